#include "sync/backoff.h"

#include <algorithm>

namespace tombolo::sync {

std::int64_t Backoff::next_delay_ms(double random) {
  constexpr int kMaxDoublings = 30;
  const int doublings = std::min(attempts_, kMaxDoublings);
  attempts_ = std::min(attempts_ + 1, kMaxDoublings);
  const std::int64_t delay =
      std::min(options_.initial_ms << doublings, std::max(options_.max_ms, options_.initial_ms));
  const double factor = 1.0 + options_.jitter * (2.0 * random - 1.0);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(static_cast<double>(delay) * factor));
}

}  // namespace tombolo::sync
