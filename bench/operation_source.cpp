#include "operation_source.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/json.h"
#include "core/operation.h"
#include "sample.h"
#include "stream_client.h"

namespace tombolo::bench {
namespace {

std::string operation_text(const core::Operation& operation) {
  std::string out = R"({"id":")" + operation.id + R"(","nodeId":")" + operation.node +
                    R"(","type":"insert","collection":"todos","recordId":")" + operation.record +
                    R"(","data":)";
  append_json(out, *operation.data);
  out += R"(,"previousData":null,"timestamp":{"wallTime":)" +
         std::to_string(operation.timestamp.wall_ms) + R"(,"logical":)" +
         std::to_string(operation.timestamp.logical) + R"(,"nodeId":")" + operation.node +
         R"("},"sequenceNumber":)" + std::to_string(operation.sequence_number) +
         R"(,"causalDeps":[],"schemaVersion":1})";
  return out;
}

}  // namespace

OperationSource::FixedClock::FixedClock() : now_ms_(0) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  now_ms_ = now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

OperationSource::OperationSource(std::string node)
    : node_(std::move(node)),
      random_(static_cast<std::uint64_t>(clock_.wall_ms())),
      ids_(clock_, random_) {}

std::string OperationSource::next_operation() {
  constexpr int kPerMillisecond = 60'000;  // a stamp's counter has 16 bits
  const auto index = static_cast<int>(records_.size());
  records_.push_back(ids_.next());
  core::Operation operation;
  operation.node = node_;
  operation.collection = "todos";
  operation.record = records_.back();
  operation.data = sample_record(index);
  operation.timestamp = {clock_.wall_ms() + index / kPerMillisecond, index % kPerMillisecond,
                         node_};
  operation.sequence_number = index + 1;
  operation.id = *core::operation_id(operation);
  return operation_text(operation);
}

std::string OperationSource::next_batch(int operations) {
  std::string text = R"({"type":"operation-batch","messageId":"batch-)" +
                     std::to_string(records_.size()) +
                     R"(","isFinal":true,"batchIndex":0,"operations":[)";
  for (int index = 0; index < operations; ++index) {
    if (index > 0) text.push_back(',');
    text += next_operation();
  }
  return text + "]}";
}

Upload::Upload(OperationSource& source, std::int64_t operations) {
  for (std::int64_t left = operations; left > 0; left -= kBatchOperations) {
    const auto size = static_cast<int>(std::min<std::int64_t>(left, kBatchOperations));
    frames.push_back(text_frame(source.next_batch(size)));
  }
}

Result<void> upload(StreamClient& stream, const Upload& upload) {
  std::size_t sent = 0;
  for (std::size_t acknowledged = 0; acknowledged < upload.frames.size(); ++acknowledged) {
    while (sent < upload.frames.size() && sent - acknowledged < Upload::kBatchesInFlight) {
      if (auto done = stream.send_bytes(upload.frames[sent++]); !done) return done;
    }
    if (const auto answer = stream.next_of_type("acknowledgment"); !answer) return fail(answer);
  }
  return {};
}

}  // namespace tombolo::bench
