// Whole worlds: real clients, the real server, simulated hardware.
#include <gtest/gtest.h>
#include <set>

#include "sim/plan.h"
#include "sim/run.h"
#include "sim/seed_file.h"

namespace tombolo::sim {
namespace {

std::string words(const RunResult& result) {
  std::string text;
  for (const Finding& finding : result.findings) {
    text += "\n  [" + finding.checker + "] " + finding.text;
  }
  return text;
}

RunTotals expect_good(std::uint64_t seed) {
  const RunResult result = run(plan_for(seed));
  EXPECT_TRUE(result.findings.empty()) << "seed " << seed << words(result);
  return result.totals;
}

TEST(Worlds, HoldWhatIsPromisedWhateverGoesWrong) {
  RunTotals sum;
  for (std::uint64_t seed = 1000; seed < 1030; ++seed) {
    const RunTotals totals = expect_good(seed);
    sum.writes += totals.writes;
    sum.requests += totals.requests;
    sum.disks.faults += totals.disks.faults;
    sum.disks.torn += totals.disks.torn;
    sum.faults.power_losses += totals.faults.power_losses;
    sum.faults.kills += totals.faults.kills;
    sum.faults.clock_jumps += totals.faults.clock_jumps;
    sum.wires.partitions += totals.wires.partitions;
    sum.wires.broken += totals.wires.broken;
    sum.wires.lost_answers += totals.wires.lost_answers;
    sum.wires.repeated_requests += totals.wires.repeated_requests;
  }
  // Worlds in which nothing happens would always be good.
  EXPECT_GT(sum.writes, 1'000);
  for (const std::int64_t count :
       {sum.requests, sum.disks.faults, sum.disks.torn, sum.faults.power_losses, sum.faults.kills,
        sum.faults.clock_jumps, sum.wires.partitions, sum.wires.broken, sum.wires.lost_answers,
        sum.wires.repeated_requests}) {
    EXPECT_GT(count, 0);
  }
}

TEST(Worlds, StillHoldWhatOnceDidNot) {
  const auto seeds = read_seeds(TOMBOLO_TEST_DATA "/../../sim/regressions.txt");
  ASSERT_TRUE(seeds) << seeds.error().message;
  ASSERT_FALSE(seeds->empty());
  for (const std::uint64_t seed : *seeds) (void)expect_good(seed);
}

TEST(Worlds, AreTheSameForTheSameSeedEventByEvent) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const RunResult once = run(plan_for(seed));
    const RunResult again = run(plan_for(seed));
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.totals.events, again.totals.events) << "seed " << seed;
    hashes.insert(once.trace_hash);
  }
  EXPECT_EQ(hashes.size(), 5U);
}

}  // namespace
}  // namespace tombolo::sim
