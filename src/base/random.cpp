#include "base/random.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tombolo {

std::uint64_t Random::below(std::uint64_t bound) {
  TOMBOLO_CHECK(bound > 0, "a random number needs a range");
  // Numbers at or above the largest multiple of `bound` would favour the small results.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    std::uint8_t bytes[8];
    fill(bytes);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    if (value < limit) return value % bound;
  }
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31);
}

void SeededRandom::fill(std::span<std::uint8_t> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t word = next();
    const std::size_t count = std::min(sizeof word, bytes.size() - done);
    std::memcpy(bytes.data() + done, &word, count);
    done += count;
  }
}

}  // namespace tombolo
