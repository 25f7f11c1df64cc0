#include "operation_load.h"

#include <array>
#include <cstring>
#include <ctime>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/uuid.h"
#include "core/operation.h"
#include "http_load.h"
#include "sample.h"

namespace tombolo::bench {
namespace {

class FixedClock final : public Clock {
 public:
  explicit FixedClock(std::int64_t now_ms) : now_ms_(now_ms) {}
  std::int64_t wall_ms() const override { return now_ms_; }
  std::int64_t monotonic_ms() const override { return now_ms_; }

 private:
  std::int64_t now_ms_;
};

std::int64_t wall_now_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

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

std::string frame(std::string_view text) {
  std::string out = "\x81";
  if (text.size() < 126) {
    out.push_back(static_cast<char>(0x80 | text.size()));
  } else if (text.size() < 65536) {
    out.push_back(static_cast<char>(0xFE));
    for (int shift = 8; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(text.size() >> shift));
  } else {
    out.push_back(static_cast<char>(0xFF));
    for (int shift = 56; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(text.size() >> shift));
  }
  out.append(4, '\0');  // a masking key of zeros leaves the text as it is
  out.append(text);
  return out;
}

std::vector<std::string> make_batches(const OperationLoad& load, const std::string& node) {
  const FixedClock clock(wall_now_ms());
  SeededRandom random(static_cast<std::uint64_t>(clock.wall_ms()));
  UuidGenerator ids(clock, random);
  std::vector<std::string> frames;
  for (int first = 0; first < load.operations; first += load.batch_size) {
    std::string text = R"({"type":"operation-batch","messageId":"batch-)" + std::to_string(first) +
                       R"(","isFinal":true,"batchIndex":0,"operations":[)";
    const int end = std::min(first + load.batch_size, load.operations);
    for (int index = first; index < end; ++index) {
      core::Operation operation;
      operation.node = node;
      operation.collection = "todos";
      UuidBytes id = ids.next_bytes();
      if (!load.ordered_ids) random.fill(std::span(id).first(6));
      operation.record = uuid_text(id);
      operation.data = sample_record(index);
      operation.timestamp = {clock.wall_ms() + index / 90'000, index % 90'000, node};
      operation.sequence_number = index + 1;
      operation.id = *core::operation_id(operation);
      if (index > first) text.push_back(',');
      text += operation_text(operation);
    }
    text += "]}";
    frames.push_back(frame(text));
  }
  return frames;
}

class StreamSocket {
 public:
  explicit StreamSocket(std::uint16_t port) : socket_(connect_loopback(port)) {}
  ~StreamSocket() { close(socket_); }
  StreamSocket(const StreamSocket&) = delete;
  StreamSocket& operator=(const StreamSocket&) = delete;

  bool open() {
    send_all(
        "GET /kora-sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!receive_more()) return false;
    }
    const bool switched = received_.starts_with("HTTP/1.1 101");
    received_.erase(0, received_.find("\r\n\r\n") + 4);
    return switched;
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // The text of the next frame; empty when the connection is gone.
  std::string next_text() {
    for (;;) {
      if (received_.size() >= 2) {
        std::size_t length = static_cast<unsigned char>(received_[1]) & 127U;
        const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (received_.size() >= 2 + extra) {
          if (extra != 0) length = 0;
          for (std::size_t index = 0; index < extra; ++index) {
            length = length << 8 | static_cast<unsigned char>(received_[2 + index]);
          }
          if (received_.size() >= 2 + extra + length) {
            std::string text = received_.substr(2 + extra, length);
            received_.erase(0, 2 + extra + length);
            return text;
          }
        }
      }
      if (!receive_more()) return {};
    }
  }

 private:
  bool receive_more() {
    std::array<char, 65536> buffer{};
    const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
  std::string received_;
};

}  // namespace

Result<OperationResult> run(const OperationLoad& load) {
  const std::string node = load.ordered_ids ? "bench-ordered" : "bench-random";
  const std::vector<std::string> frames = make_batches(load, node);
  StreamSocket stream(load.port);
  if (!stream.open()) return fail(ErrorCode::unavailable, "the stream was refused");
  stream.send_all(frame(R"({"type":"handshake","messageId":"h","nodeId":")" + node +
                        R"(","versionVector":{},"schemaVersion":1,"lastDeliverySequence":1})"));
  const double start = monotonic_seconds();
  std::size_t sent = 0;
  std::size_t acknowledged = 0;
  while (acknowledged < frames.size()) {
    while (sent < frames.size() &&
           sent - acknowledged < static_cast<std::size_t>(load.batches_in_flight)) {
      if (!stream.send_all(frames[sent++])) return fail(ErrorCode::unavailable, "connection lost");
    }
    const std::string text = stream.next_text();
    if (text.empty()) return fail(ErrorCode::unavailable, "connection lost");
    const auto message = Value::parse(text);
    const std::string_view type = message ? (*message)["type"].as_string() : "";
    if (type == "acknowledgment") ++acknowledged;
    if (type == "error" || type == "operation-rejected") {
      return fail(ErrorCode::protocol, "the server refused: " + text);
    }
  }
  return OperationResult{monotonic_seconds() - start, load.operations};
}

}  // namespace tombolo::bench
