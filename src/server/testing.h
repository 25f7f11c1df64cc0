// What the tests of this layer share.
#pragma once

#include "base/clock.h"

namespace tombolo::server {

// A clock that stands until it is told to move.
class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return wall_ms_; }
  std::int64_t monotonic_ms() const override { return wall_ms_; }
  void advance(std::int64_t ms) { wall_ms_ += ms; }

 private:
  std::int64_t wall_ms_ = 1'700'000'000'000;
};

}  // namespace tombolo::server
