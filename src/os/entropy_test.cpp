#include "os/entropy.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace tombolo::os {
namespace {

using Key = std::array<std::uint8_t, 16>;

Key draw() {
  Key key{};
  SystemRandom().fill(key);
  return key;
}

TEST(SystemRandom, NeverRepeatsItself) {
  std::set<Key> drawn;
  for (int turn = 0; turn < 1'000; ++turn) drawn.insert(draw());
  EXPECT_EQ(drawn.size(), 1'000U);
}

// A run of 16 zero bytes comes by chance once in 2^128.
TEST(SystemRandom, FillsEveryByteOfEverySize) {
  for (const std::size_t size : {16, 17, 255, 256, 257, 1'000, 100'000}) {
    std::vector<std::uint8_t> bytes(size);
    SystemRandom().fill(bytes);
    for (std::size_t begin = 0; begin + 16 <= size; begin += 16) {
      ASSERT_FALSE(std::all_of(bytes.data() + begin, bytes.data() + begin + 16,
                               [](std::uint8_t byte) { return byte == 0; }))
          << size << " from " << begin;
    }
    EXPECT_FALSE(
        std::all_of(bytes.end() - 16, bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
  }
}

TEST(SystemRandom, TakesAnEmptyRequest) {
  SystemRandom().fill({});
}

// Each bit is set in half of the draws: 100 000 of 200 000, give or take 12 standard deviations.
TEST(SystemRandom, FavoursNoBit) {
  std::array<int, 8> set{};
  std::vector<std::uint8_t> bytes(200'000);
  SystemRandom().fill(bytes);
  for (const std::uint8_t byte : bytes) {
    for (std::size_t bit = 0; bit < 8; ++bit) set[bit] += byte >> bit & 1;
  }
  for (const int count : set) EXPECT_NEAR(count, 100'000, 2'700);
}

// Forks so many times, each process from the one before, and writes what the youngest draws.
void draw_in_descendant(int generations, int out) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Key key = draw();
    if (generations > 1) draw_in_descendant(generations - 1, out);
    const bool written = generations > 1 || ::write(out, key.data(), key.size()) == sizeof key;
    ::_exit(written ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
}

TEST(SystemRandom, GivesForkedProcessesOtherBytesThanTheirParents) {
  draw();  // a reserve is there now, which they inherit
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::set<Key> drawn;
  for (const int generations : {1, 1, 2, 3}) {
    draw_in_descendant(generations, ends[1]);
    Key key{};
    ASSERT_EQ(::read(ends[0], key.data(), key.size()), static_cast<ssize_t>(key.size()));
    drawn.insert(key);
  }
  drawn.insert(draw());
  EXPECT_EQ(drawn.size(), 5U);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace tombolo::os
