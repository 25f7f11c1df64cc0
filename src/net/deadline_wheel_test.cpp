#include "net/deadline_wheel.h"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <rapidcheck/gtest.h>
#include <utility>
#include <vector>

namespace tombolo::net {
namespace {

struct Probe final : Deadline {
  void on_deadline() override {
    ++fired;
    if (then) then();
  }
  int fired = 0;
  std::function<void()> then;
};

TEST(DeadlineWheel, FiresOnceAndNeverEarly) {
  DeadlineWheel wheel(1'000'050);
  Probe probe;
  wheel.set(probe, 250);
  wheel.advance(1'000'299);
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(1'000'550);
  EXPECT_EQ(probe.fired, 1);
  wheel.advance(2'000'000);
  EXPECT_EQ(probe.fired, 1);
  EXPECT_TRUE(wheel.empty());
}

TEST(DeadlineWheel, ForgetsWhatWasClearedOrDestroyed) {
  DeadlineWheel wheel(0);
  Probe cleared;
  wheel.set(cleared, 100);
  DeadlineWheel::clear(cleared);
  auto destroyed = std::make_unique<Probe>();
  wheel.set(*destroyed, 100);
  destroyed.reset();
  wheel.advance(10'000);
  EXPECT_EQ(cleared.fired, 0);
  EXPECT_TRUE(wheel.empty());
}

TEST(DeadlineWheel, MovesADeadlineEitherWay) {
  DeadlineWheel wheel(0);
  Probe later;
  Probe earlier;
  wheel.set(later, 1'000);
  wheel.set(later, 5'000);
  wheel.set(earlier, 5'000);
  wheel.set(earlier, 1'000);
  wheel.advance(2'000);
  EXPECT_EQ(later.fired, 0);
  EXPECT_EQ(earlier.fired, 1);
  wheel.advance(6'000);
  EXPECT_EQ(later.fired, 1);
}

TEST(DeadlineWheel, WaitsLongerThanARound) {
  DeadlineWheel wheel(0);
  Probe probe;
  wheel.set(probe, 200'000);
  for (std::int64_t now = 0; now < 200'000; now += 100) wheel.advance(now);
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(200'200);
  EXPECT_EQ(probe.fired, 1);
}

TEST(DeadlineWheel, SaysWhenThereIsSomethingToLookAt) {
  DeadlineWheel wheel(1'000'050);
  EXPECT_EQ(wheel.next_look_ms(), DeadlineWheel::kNever);
  Probe probe;
  wheel.set(probe, 30'000);
  const std::int64_t due_ms = 1'000'050 + 30'000;
  EXPECT_GT(wheel.next_look_ms(), due_ms);
  EXPECT_LE(wheel.next_look_ms(), due_ms + DeadlineWheel::kTickMs);
  wheel.advance(wheel.next_look_ms() - 1);
  EXPECT_EQ(probe.fired, 0);
  wheel.advance(wheel.next_look_ms());
  EXPECT_EQ(probe.fired, 1);
  EXPECT_EQ(wheel.next_look_ms(), DeadlineWheel::kNever);
}

TEST(DeadlineWheel, LetsACallbackDestroyItsNeighbours) {
  DeadlineWheel wheel(0);
  auto first = std::make_unique<Probe>();
  auto second = std::make_unique<Probe>();
  int fired = 0;
  first->then = [&] { ++fired, second.reset(); };
  second->then = [&] { ++fired, first.reset(); };
  wheel.set(*first, 100);
  wheel.set(*second, 100);
  wheel.advance(1'000);
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(wheel.empty());
}

// Against the obvious: a deadline fires between its moment and two ticks later.
RC_GTEST_PROP(DeadlineWheelProperty, KeepsToItsPrecision,
              (const std::vector<std::pair<std::uint8_t, std::uint16_t>>& steps)) {
  std::int64_t now = 12'345;
  DeadlineWheel wheel(now);
  Probe probe;
  std::int64_t due = -1;  // none is set
  for (const auto& [pause, delay] : steps) {
    wheel.set(probe, delay);
    due = now + delay;
    for (int tick = 0; tick <= pause; ++tick) {
      now += 50;
      const int before = probe.fired;
      wheel.advance(now);
      if (probe.fired != before) {
        RC_ASSERT(due >= 0 && now >= due);
        due = -1;
      }
      RC_ASSERT(due < 0 || now <= due + 2 * DeadlineWheel::kTickMs);
    }
  }
}

}  // namespace
}  // namespace tombolo::net
