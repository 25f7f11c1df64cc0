// The plan of faults: the same from the same seed, and within its bounds.
#include "nemesis.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

namespace tombolo::chaos {
namespace {

constexpr std::int64_t kLength_ms = 8'000;
constexpr std::size_t kDevices = 5;

TEST(Plan, IsTheSameFromTheSameSeed) {
  const auto first = make_plan(7, kDevices, kLength_ms, true);
  const auto second = make_plan(7, kDevices, kLength_ms, true);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t at = 0; at < first.size(); ++at) {
    EXPECT_EQ(first[at].kind, second[at].kind);
    EXPECT_EQ(first[at].from_ms, second[at].from_ms);
    EXPECT_EQ(first[at].devices, second[at].devices);
  }
}

TEST(Plan, HasEveryKindOfFaultInSomeSeedAndNoneOverlapsItself) {
  std::set<FaultKind> kinds;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::map<FaultKind, std::int64_t> ended_ms;
    const auto plan = make_plan(seed, kDevices, kLength_ms, true);
    EXPECT_FALSE(plan.empty()) << seed;
    for (const Fault& fault : plan) {
      kinds.insert(fault.kind);
      EXPECT_GE(fault.from_ms, ended_ms[fault.kind]) << seed;
      EXPECT_LE(fault.to_ms, kLength_ms) << seed;
      ended_ms[fault.kind] = fault.to_ms;
      for (const std::size_t device : fault.devices) EXPECT_LT(device, kDevices);
    }
  }
  EXPECT_EQ(kinds.size(), kFaultKinds.size());
}

TEST(Plan, NeedsNoNetworkWhereThereIsNone) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto plan = make_plan(seed, kDevices, kLength_ms, false);
    EXPECT_FALSE(plan.empty()) << seed;
    for (const Fault& fault : plan) EXPECT_FALSE(needs_network(fault.kind)) << seed;
  }
}

}  // namespace
}  // namespace tombolo::chaos
