#include "sync/liveness.h"

#include <utility>

namespace tombolo::sync {
namespace {

// Between two looks: more, and it is us who were away (stopped, or asleep), with answers that may
// wait unread.
constexpr std::int64_t kAwayMs = 3'000;

}  // namespace

void Liveness::heard(std::int64_t now_ms) {
  sign_at_ms_ = now_ms;
  asked_at_ms_.reset();
}

Liveness::Verdict Liveness::look(std::int64_t now_ms, bool waits,
                                 std::size_t unacknowledged_bytes) {
  const bool was_away = !looked_at_ms_ || now_ms - *looked_at_ms_ > kAwayMs;
  looked_at_ms_ = now_ms;
  const bool arrived =
      unacknowledged_bytes < std::exchange(unacknowledged_bytes_, unacknowledged_bytes);
  if (arrived) arrived_at_ms_ = now_ms;
  if (was_away || arrived || !waits) heard(now_ms);
  if (asked_at_ms_) {
    return now_ms - *asked_at_ms_ >= give_up_after_ms_ ? Verdict::gone : Verdict::fine;
  }
  if (now_ms - sign_at_ms_ < ask_after_ms_) return Verdict::fine;
  asked_at_ms_ = now_ms;
  return Verdict::ask;
}

}  // namespace tombolo::sync
