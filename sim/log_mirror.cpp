#include "sim/log_mirror.h"

#include <memory>
#include <utility>

#include "protocol/operation_json.h"
#include "sim/plan.h"

namespace tombolo::sim {
namespace {

constexpr std::int64_t kPage = 1'000;
constexpr const char* kChecker = "delivery sequence";

}  // namespace

template <typename Visit>
bool LogMirror::read(server::ServerCore& core, std::int64_t after, Visit&& visit) {
  const auto reader = core.storage().open_reader();
  if (!reader) return false;  // its disk has a fault just now
  const auto transaction = (*reader)->begin();
  if (!transaction) return false;
  for (bool more = true; more;) {
    more = false;
    const auto done =
        (*transaction)
            ->operations_after(kBucket, after, kPage, [&](const server::LoggedOperation& logged) {
              more = true;
              after = logged.delivery_sequence;
              visit(logged);
              return true;
            });
    if (!done) return false;
  }
  return true;
}

bool LogMirror::refresh(server::ServerCore& core) {
  return read(core, std::ssize(operations_), [&](const server::LoggedOperation& logged) {
    add(logged.delivery_sequence, logged.body);
  });
}

void LogMirror::add(std::int64_t sequence, std::string_view body) {
  const std::int64_t expected = std::ssize(operations_) + 1;
  if (sequence != expected) {
    findings_.add(kChecker,
                  "after " + std::to_string(expected - 1) + " comes " + std::to_string(sequence));
    return;
  }
  auto operation = protocol::parse_operation_json(body);
  if (!operation) {
    findings_.add(kChecker,
                  std::to_string(sequence) + " cannot be read: " + operation.error().message);
    return;
  }
  Committed committed{.sequence = sequence, .operation = std::move(*operation)};
  const core::Operation& done = committed.operation;
  if (!ids_.insert(done.id).second) {
    findings_.add("exactly once", "operation " + done.id + " is in the log twice",
                  RecordName{done.collection, done.record});
  }
  if (done.data) collect_tokens(*done.data, committed.written);
  if (done.previous_data) collect_tokens(*done.previous_data, committed.seen);
  for (const Token token : committed.written) tokens_.emplace(token, sequence);
  seen_.insert(committed.seen.begin(), committed.seen.end());
  world_.note("log", std::to_string(sequence) + " " + done.id);
  operations_.push_back(std::move(committed));
}

void LogMirror::start_over() {
  operations_.clear();
  ids_.clear();
  tokens_.clear();
  seen_.clear();
}

void LogMirror::compare(server::ServerCore& core) {
  std::size_t index = 0;
  bool told = false;
  const bool whole = read(core, 0, [&](const server::LoggedOperation& logged) {
    if (index >= operations_.size() || told) return;
    const Committed& known = operations_[index++];
    const auto now = protocol::parse_operation_json(logged.body);
    if (now && logged.delivery_sequence == known.sequence && now->id == known.operation.id) return;
    told = true;
    findings_.add("durability",
                  "the log has another operation at " + std::to_string(known.sequence),
                  RecordName{known.operation.collection, known.operation.record});
  });
  if (whole && !told && index < operations_.size()) {
    const core::Operation& lost = operations_[index].operation;
    findings_.add("durability",
                  "the log ends at " + std::to_string(index) + " and was " +
                      std::to_string(operations_.size()) + " long",
                  RecordName{lost.collection, lost.record});
  }
}

}  // namespace tombolo::sim
