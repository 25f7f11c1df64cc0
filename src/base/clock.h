// Time as an interface, so that the pure layers read none and the simulator owns it.
#pragma once

#include <cstdint>

namespace tombolo {

class Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds since 1970-01-01 UTC. May jump either way.
  virtual std::int64_t wall_ms() const = 0;

  // Milliseconds since some fixed moment. Never goes back.
  virtual std::int64_t monotonic_ms() const = 0;
};

}  // namespace tombolo
