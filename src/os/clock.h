// The real clock.
#pragma once

#include "base/clock.h"

namespace tombolo::os {

class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override;
  std::int64_t monotonic_ms() const override;
};

}  // namespace tombolo::os
