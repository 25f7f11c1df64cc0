// Randomness of the operating system, fit for secrets.
#pragma once

#include "base/random.h"

namespace tombolo::os {

// Thread-safe. Small requests are served from a per-thread reserve, one system call for many.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace tombolo::os
