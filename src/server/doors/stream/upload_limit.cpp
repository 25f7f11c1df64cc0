#include "server/doors/stream/upload_limit.h"

#include <algorithm>

namespace tombolo::server::stream {

void UploadLimit::submitted(std::int64_t operations, std::int64_t now_ms) {
  refill(now_ms);
  uncommitted_ += operations;
  ++uncommitted_batches_;
  if (limits_.operations_per_second > 0) allowance_ -= operations;
}

void UploadLimit::committed(std::int64_t operations) {
  uncommitted_ -= operations;
  --uncommitted_batches_;
}

bool UploadLimit::is_reached(std::int64_t now_ms) {
  refill(now_ms);
  // It goes on at half, so that reading is not stopped and started with every batch.
  const std::int64_t share = reached_ ? 2 : 1;
  const bool busy = uncommitted_ > limits_.uncommitted_operations / share ||
                    uncommitted_batches_ > limits_.uncommitted_batches / share;
  reached_ = busy || allowance_ < 0;
  return reached_;
}

void UploadLimit::refill(std::int64_t now_ms) {
  if (limits_.operations_per_second <= 0) return;
  const std::int64_t elapsed_ms = std::clamp<std::int64_t>(now_ms - refilled_at_ms_, 0, 3'600'000);
  const std::int64_t earned = elapsed_ms * limits_.operations_per_second / 1000;
  if (earned == 0) return;  // the rest of a millisecond is not forgotten
  refilled_at_ms_ = now_ms;
  allowance_ = std::min(allowance_ + earned, limits_.operations_burst);
}

}  // namespace tombolo::server::stream
