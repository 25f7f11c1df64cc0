// Randomness as an interface, so that the pure layers draw none and the simulator seeds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tombolo {

class Random {
 public:
  virtual ~Random() = default;

  // Fills `bytes` with unpredictable bytes.
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  // A number in [0, bound); `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound);
};

// A small seeded generator (SplitMix64) for tests and simulation. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override;

 private:
  std::uint64_t next();
  std::uint64_t state_;
};

}  // namespace tombolo
