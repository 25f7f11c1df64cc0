#include "sync/liveness.h"

#include <gtest/gtest.h>

namespace tombolo::sync {
namespace {

using enum Liveness::Verdict;

class LivenessTest : public ::testing::Test {
 protected:
  // Looks twice a second for `by_ms`. The first verdict that is not fine, if there is one.
  Liveness::Verdict pass(std::int64_t by_ms) {
    for (const std::int64_t end_ms = now_ms_ + by_ms; now_ms_ < end_ms;) {
      now_ms_ += 500;
      if (moves_ && bytes_ > 0) --bytes_;
      const Liveness::Verdict verdict = liveness_.look(now_ms_, waits_, bytes_);
      if (verdict != fine) return verdict;
    }
    return fine;
  }

  Liveness liveness_{4'000, 6'000};
  std::int64_t now_ms_ = 1'000'000;
  std::size_t bytes_ = 0;
  bool waits_ = true;
  bool moves_ = false;
};

TEST_F(LivenessTest, SilenceIsAskedAboutAndThenTakenForTheEnd) {
  EXPECT_EQ(pass(10'000), ask);
  EXPECT_EQ(now_ms_, 1'004'500);
  EXPECT_EQ(pass(10'000), gone);
  EXPECT_EQ(now_ms_, 1'010'500);
}

TEST_F(LivenessTest, WhoAnswersMayTakeAnyTime) {
  for (int times = 0; times < 20; ++times) {
    ASSERT_EQ(pass(10'000), ask);
    ASSERT_EQ(pass(5'500), fine);
    liveness_.heard(now_ms_);
  }
}

TEST_F(LivenessTest, NothingIsAskedWhileNothingIsWaitedFor) {
  waits_ = false;
  EXPECT_EQ(pass(600'000), fine);
  waits_ = true;
  EXPECT_EQ(pass(3'500), fine);
  EXPECT_EQ(pass(1'000), ask);
}

TEST_F(LivenessTest, WhatLeavesSlowlyIsASignOfLife) {
  bytes_ = 100;
  moves_ = true;
  EXPECT_EQ(pass(40'000), fine);
  EXPECT_EQ(liveness_.arrived_at_ms(), now_ms_);
  const std::int64_t stuck_since_ms = now_ms_;
  moves_ = false;
  EXPECT_EQ(pass(10'000), ask);
  EXPECT_EQ(pass(10'000), gone);
  EXPECT_EQ(liveness_.arrived_at_ms(), stuck_since_ms);
}

TEST_F(LivenessTest, WhoWasAwayHimselfAsksBeforeHeGivesUp) {
  EXPECT_EQ(pass(10'000), ask);
  now_ms_ += 3'600'000;
  EXPECT_EQ(pass(4'000), fine);
  EXPECT_EQ(pass(1'000), ask);
}

}  // namespace
}  // namespace tombolo::sync
