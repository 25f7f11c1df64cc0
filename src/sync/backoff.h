// How long to wait before the next attempt to connect: exponential with jitter, so that a thousand
// clients that lost one server do not come back in one moment (Kora protocol section 9).
#pragma once

#include <cstdint>

namespace tombolo::sync {

struct BackoffOptions {
  std::int64_t initial_ms = 1'000;
  std::int64_t max_ms = 30'000;
  double jitter = 0.25;  // of the delay, either way
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options = {}) : options_(options) {}

  // The delay before the next attempt, each one twice the last up to the maximum. `random` is
  // uniform in [0, 1).
  std::int64_t next_delay_ms(double random);

  // The last attempt succeeded: the next delay is the initial one again.
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  BackoffOptions options_;
  int attempts_ = 0;
};

}  // namespace tombolo::sync
