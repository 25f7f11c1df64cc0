#include "os/clock.h"

#include <gtest/gtest.h>

namespace tombolo::os {
namespace {

constexpr std::int64_t kYear2024 = 1'704'067'200'000;  // in ms since 1970
constexpr std::int64_t kYear2200 = 7'258'118'400'000;

TEST(SystemClock, CountsMillisecondsSince1970) {
  const std::int64_t now_ms = SystemClock().wall_ms();
  EXPECT_GT(now_ms, kYear2024);
  EXPECT_LT(now_ms, kYear2200);
}

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  std::int64_t last_ms = clock.monotonic_ms();
  for (int turn = 0; turn < 10'000; ++turn) {
    const std::int64_t now_ms = clock.monotonic_ms();
    ASSERT_GE(now_ms, last_ms);
    last_ms = now_ms;
  }
}

}  // namespace
}  // namespace tombolo::os
