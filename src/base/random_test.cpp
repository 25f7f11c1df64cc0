#include "base/random.h"

#include <array>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tombolo {
namespace {

// Answers with the words it was given, in order.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void fill(std::span<std::uint8_t> bytes) override {
    const std::uint64_t word = words_.at(used_++);
    for (std::size_t index = 0; index < bytes.size(); ++index) {
      bytes[index] = static_cast<std::uint8_t>(word >> (8 * index));
    }
  }
  std::size_t used() const { return used_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t used_ = 0;
};

TEST(SeededRandom, RepeatsItselfFromTheSameSeed) {
  std::array<std::uint8_t, 37> first{};
  std::array<std::uint8_t, 37> second{};
  SeededRandom(7).fill(first);
  SeededRandom(7).fill(second);
  EXPECT_EQ(first, second);
  SeededRandom(8).fill(second);
  EXPECT_NE(first, second);
}

// The first outputs of SplitMix64 from seed 1234567, as published with the algorithm.
TEST(SeededRandom, IsSplitMix64) {
  SeededRandom random(1234567);
  for (const std::uint64_t expected :
       {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL}) {
    std::array<std::uint8_t, 8> bytes{};
    random.fill(bytes);
    std::uint64_t word = 0;
    for (int index = 7; index >= 0; --index)
      word = word << 8 | bytes[static_cast<std::size_t>(index)];
    EXPECT_EQ(word, expected);
  }
}

TEST(RandomBelow, DrawsAgainWhereSmallResultsWouldBeFavoured) {
  // The largest multiple of 3 is 2^64 - 1: the word 2^64 - 1 itself would be one 0 too many.
  ScriptedRandom random({UINT64_MAX, 5});
  EXPECT_EQ(random.below(3), 2U);
  EXPECT_EQ(random.used(), 2U);
}

TEST(RandomBelow, ReachesEveryNumberOfASmallRange) {
  SeededRandom random(1);
  std::array<int, 6> seen{};
  for (int draw = 0; draw < 600; ++draw) ++seen.at(random.below(6));
  for (const int count : seen) EXPECT_GT(count, 50);
}

RC_GTEST_PROP(RandomBelow, StaysBelow, (std::uint64_t seed)) {
  const auto bound = *rc::gen::positive<std::uint64_t>();
  RC_ASSERT(SeededRandom(seed).below(bound) < bound);
}

TEST(RandomBelowDeathTest, NeedsARange) {
  SeededRandom random(1);
  EXPECT_DEATH(random.below(0), "a random number needs a range");
}

}  // namespace
}  // namespace tombolo
