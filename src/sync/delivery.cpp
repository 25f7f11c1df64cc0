#include "sync/delivery.h"

#include <algorithm>
#include <utility>

#include "core/topological_order.h"
#include "protocol/operation_json.h"

namespace tombolo::sync {
namespace {

using protocol::OperationBatch;

constexpr std::size_t kPageBatches = 5;         // read at once
constexpr std::size_t kMaxSentBatches = 1'000;  // not acknowledged
// Own operations after which a client is told how far the log has come, so that it need not pass
// over them again when it returns.
constexpr std::int64_t kMaxSilentOperations = 1'000;

}  // namespace

// The operations that a client without watermark lacks: they are sorted before they are sent, so
// all are gathered first.
struct Delivery::LegacyDifference {
  std::vector<core::Operation> operations;
  std::vector<std::string> bodies;
  std::size_t bytes = 0;
};

Delivery::Delivery(DeliveryOptions options)
    : options_(std::move(options)),
      message_ids_(options_.tag),
      log_end_(options_.log_end),
      resend_after_ms_(options_.resend_after_ms) {
  if (is_legacy()) {
    difference_ = std::make_unique<LegacyDifference>();
    return;
  }
  const std::int64_t watermark = *options_.watermark;
  acknowledged_ = chain_ = scanned_ = scanned_before_ = watermark;
  own_history_end_ = watermark == 0 || options_.own_history ? log_end_ : 0;
}

Delivery::~Delivery() = default;

std::optional<DeliveryRequest> Delivery::wanted() const {
  if (!owes_final_ && scanned_ >= log_end_) return std::nullopt;
  if (unacknowledged_bytes_ >= options_.max_unacknowledged_bytes) return std::nullopt;
  if (sent_.size() >= kMaxSentBatches) return std::nullopt;
  return DeliveryRequest{scanned_, options_.batch_operations * kPageBatches,
                         options_.batch_bytes * kPageBatches};
}

void Delivery::owe_final(std::int64_t end) {
  log_grew(end);
  if (!is_legacy() && chain_ < log_end_) owes_final_ = true;
}

bool Delivery::hidden(const DeliverableOperation& operation) const {
  return operation.node == options_.node && operation.sequence > own_history_end_;
}

Result<void> Delivery::read(const DeliveryPage& page, std::int64_t now_ms, BatchSender& sender) {
  if (page.after != scanned_ || page.last < page.after) return {};
  if (difference_ != nullptr) return collect_difference(page, sender);
  if (sent_.empty()) waiting_since_ms_ = now_ms;
  std::vector<std::string_view> operations;
  std::size_t bytes = 0;
  std::int64_t last_visible = chain_;
  for (const DeliverableOperation& operation : page.operations) {
    if (hidden(operation)) {
      own_left_out_ = true;
      continue;
    }
    const bool full = operations.size() >= options_.batch_operations ||
                      bytes + operation.body.size() > options_.batch_bytes;
    if (full && !operations.empty()) {
      scanned_ = last_visible;
      send(operations, last_visible, false, std::nullopt, sender);
      bytes = 0;
    }
    operations.push_back(operation.body);
    bytes += operation.body.size();
    last_visible = operation.sequence;
  }
  scanned_ = page.last;
  const bool silent_for_long = scanned_ - chain_ >= kMaxSilentOperations;
  if (page.at_end && (!operations.empty() || owes_final_ || silent_for_long)) {
    send(operations, page.last, true, page.proof, sender);
  } else if (!operations.empty()) {
    send(operations, last_visible, false, std::nullopt, sender);
  }
  if (page.at_end) owes_final_ = false;
  return {};
}

void Delivery::send(std::vector<std::string_view>& operations, std::int64_t max, bool is_final,
                    const std::optional<protocol::Proof>& proof, BatchSender& sender) {
  const bool shareable = !is_legacy() && !own_left_out_;
  OperationBatch batch;
  if (shareable) {
    batch.message_id = options_.view_tag + "-" + std::to_string(chain_) + "-" + std::to_string(max);
  } else {
    batch.message_id = message_ids_.next();
  }
  batch.operations = std::move(operations);
  batch.is_final = is_final;
  batch.batch_index = batch_index_;
  if (!is_legacy()) {
    batch.base_delivery_sequence = chain_;
    batch.max_delivery_sequence = max;
    batch.proof = proof;
  }
  std::size_t bytes = 0;
  for (const std::string_view operation : batch.operations) bytes += operation.size();
  sent_.push_back({max, scanned_before_, bytes, is_legacy() ? batch.message_id : "", false});
  unacknowledged_bytes_ += bytes;
  sender.send_batch(batch, shareable);
  operations.clear();
  chain_ = max;
  scanned_before_ = scanned_;
  own_left_out_ = false;
  batch_index_ = is_final ? 0 : batch_index_ + 1;
  if (!is_legacy()) owes_final_ = !is_final;
}

Result<void> Delivery::collect_difference(const DeliveryPage& page, BatchSender& sender) {
  for (const DeliverableOperation& entry : page.operations) {
    Result<core::Operation> operation = protocol::parse_operation_json(entry.body);
    if (!operation) return fail(operation);
    if (operation->sequence_number <= core::seen(options_.vector, operation->node)) continue;
    difference_->bytes += entry.body.size();
    if (difference_->bytes > options_.max_difference_bytes) {
      return fail(ErrorCode::limit_exceeded,
                  "more operations are missing than can be sorted for a client without "
                  "lastDeliverySequence; send lastDeliverySequence: 0");
    }
    difference_->operations.push_back(std::move(*operation));
    difference_->bodies.emplace_back(entry.body);
  }
  scanned_ = chain_ = scanned_before_ = page.last;
  return page.at_end ? send_difference(sender) : Result<void>();
}

// What comes after the cursor's operation (Kora protocol section 8.4); all, when it is not there.
void Delivery::resume(std::vector<std::size_t>& order) const {
  if (!options_.resume_after) return;
  const auto last = std::find_if(order.begin(), order.end(), [&](std::size_t index) {
    return difference_->operations[index].id == *options_.resume_after;
  });
  if (last != order.end()) order.erase(order.begin(), last + 1);
}

Result<void> Delivery::send_difference(BatchSender& sender) {
  Result<std::vector<std::size_t>> order = core::topological_order(difference_->operations);
  if (!order) return fail(order);
  resume(*order);
  const std::unique_ptr<LegacyDifference> difference = std::move(difference_);
  const std::size_t count = order->size();
  const std::size_t size = options_.batch_operations;
  const std::size_t batches = std::max<std::size_t>(1, (count + size - 1) / size);
  for (std::size_t index = 0; index < batches; ++index) {
    OperationBatch batch;
    batch.message_id = message_ids_.next();
    batch.batch_index = static_cast<std::int64_t>(index);
    batch.total_batches = static_cast<std::int64_t>(batches);
    batch.is_final = index + 1 == batches;
    const std::size_t end = std::min(count, (index + 1) * size);
    for (std::size_t at = index * size; at < end; ++at) {
      batch.operations.push_back(difference->bodies[(*order)[at]]);
    }
    if (!batch.operations.empty()) {
      const std::string& last = difference->operations[(*order)[end - 1]].id;
      batch.cursor = protocol::encode_delta_cursor({last, batch.batch_index});
    }
    sender.send_batch(batch, false);
  }
  owes_final_ = false;
  return {};
}

void Delivery::acknowledged(const protocol::Acknowledgment& message, std::int64_t now_ms) {
  const std::size_t before = sent_.size();
  if (is_legacy()) {
    acknowledged_message(message.acknowledged_message_id);
  } else if (message.delivery_sequence) {
    acknowledged_up_to(std::min(*message.delivery_sequence, chain_));
  }
  if (sent_.size() < before) note_progress(now_ms);
}

void Delivery::acknowledged_up_to(std::int64_t sequence) {
  if (sequence < acknowledged_) return;
  const bool moved = sequence > acknowledged_;
  acknowledged_ = sequence;
  std::size_t done = 0;
  while (done < sent_.size() && sent_[done].max <= sequence) {
    unacknowledged_bytes_ -= sent_[done].bytes;
    ++done;
  }
  const std::int64_t reached = done > 0 ? sent_[done - 1].max : INT64_MIN;
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(done));
  // The client stands inside a batch (it took one that ended there from an earlier attempt): what
  // follows does not fit its chain, so start again from where it is.
  if (moved && !sent_.empty() && reached != sequence) rewind(sequence, sequence);
}

void Delivery::acknowledged_message(std::string_view message_id) {
  for (Sent& sent : sent_) {
    if (sent.message_id == message_id) sent.acknowledged = true;
  }
  while (!sent_.empty() && sent_.front().acknowledged) {
    acknowledged_ = sent_.front().max;
    unacknowledged_bytes_ -= sent_.front().bytes;
    sent_.erase(sent_.begin());
  }
}

void Delivery::note_progress(std::int64_t now_ms) {
  waiting_since_ms_ = now_ms;
  resend_after_ms_ = options_.resend_after_ms;
}

void Delivery::rewind(std::int64_t chain, std::int64_t scanned) {
  sent_.clear();
  unacknowledged_bytes_ = 0;
  chain_ = chain;
  scanned_ = scanned_before_ = scanned;
  batch_index_ = 0;
  own_left_out_ = scanned != chain;
  owes_final_ = true;
}

void Delivery::tick(std::int64_t now_ms) {
  if (sent_.empty() || now_ms - waiting_since_ms_ < resend_after_ms_) return;
  rewind(acknowledged_, sent_.front().scanned_from);
  waiting_since_ms_ = now_ms;
  resend_after_ms_ = std::min(resend_after_ms_ * 2, options_.max_resend_after_ms);
}

}  // namespace tombolo::sync
