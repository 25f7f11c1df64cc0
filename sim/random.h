// Seeded chance: one generator for each concern, so that a change in how often one of them draws
// leaves the others as they were.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace tombolo::sim {

// The generator of `concern` in the run of `seed`; the same two give the same numbers.
inline SeededRandom random_for(std::uint64_t seed, std::string_view concern) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char letter : concern) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  }
  return SeededRandom(hash ^ (seed * 0x9E3779B97F4A7C15ULL));
}

inline bool chance(Random& random, std::uint64_t in, std::uint64_t of) {
  return in > 0 && random.below(of) < in;
}

}  // namespace tombolo::sim
