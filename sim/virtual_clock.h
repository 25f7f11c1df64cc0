// Time that passes only when it is told to, and the clocks that read it, each as wrong as it is
// set.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace tombolo::sim {

// The time of a simulated world. Thread-safe.
class VirtualTime {
 public:
  std::int64_t microseconds() const { return now_us_; }
  void advance_us(std::int64_t us) { now_us_ += us; }
  void advance_ms(std::int64_t ms) { advance_us(ms * 1000); }

 private:
  std::atomic<std::int64_t> now_us_ = 0;  // since the world began
};

// The clock of one device. Thread-safe.
class VirtualClock final : public Clock {
 public:
  static constexpr std::int64_t kEpochMs = 1'700'000'000'000;  // when worlds begin

  explicit VirtualClock(const VirtualTime& time, std::int64_t skew_ms = 0)
      : time_(time), skew_ms_(skew_ms) {}

  std::int64_t wall_ms() const override {
    const std::int64_t drift_ms = monotonic_ms() * drift_in_a_million_ / 1'000'000;
    return kEpochMs + monotonic_ms() + drift_ms + skew_ms_;
  }
  std::int64_t monotonic_ms() const override { return time_.microseconds() / 1000; }

  // How far the device's wall clock is ahead; setting it makes the clock jump.
  void set_skew_ms(std::int64_t skew_ms) { skew_ms_ = skew_ms; }
  std::int64_t skew_ms() const { return skew_ms_; }
  // How much too fast it runs.
  void set_drift(std::int64_t in_a_million) { drift_in_a_million_ = in_a_million; }

 private:
  const VirtualTime& time_;
  std::atomic<std::int64_t> skew_ms_;
  std::atomic<std::int64_t> drift_in_a_million_ = 0;
};

}  // namespace tombolo::sim
