#include "sync/downloaded_batch.h"

#include <utility>

#include "protocol/operation_json.h"

namespace tombolo::sync {

const DownloadedOperation* DownloadedBatch::next() {
  while (next_ < bodies_.size()) {
    const std::size_t index = next_++;
    current_.body = bodies_[index];
    const auto put_aside = put_aside_.find(index);
    Result<core::Operation> operation = protocol::parse_operation_json(current_.body);
    if (operation && put_aside == put_aside_.end()) {
      current_.operation = std::move(*operation);
      ++operation_count;
      last_sequence_number = current_.operation.sequence_number;
      return &current_;
    }
    protocol::OperationLabel label = protocol::read_operation_label(current_.body);
    unreadable.push_back({std::move(label.id), std::move(label.collection), current_.body,
                          operation ? put_aside->second : std::move(operation.error().message)});
  }
  return nullptr;
}

void DownloadedBatch::put_aside(std::string reason) {
  put_aside_.emplace(next_ - 1, std::move(reason));
  next_ = 0;
  operation_count = last_sequence_number = 0;
  unreadable.clear();
}

}  // namespace tombolo::sync
