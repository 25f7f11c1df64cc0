// The simulator bites: each of the bugs that can be planted is found within a few hundred worlds.
#include <cstdio>
#include <gtest/gtest.h>

#include "base/planted_fault.h"
#include "sim/plan.h"
#include "sim/run.h"

namespace tombolo::sim {
namespace {

constexpr std::uint64_t kSeeds = 200;

class PlantedWorlds : public testing::TestWithParam<PlantedFault> {
 protected:
  ~PlantedWorlds() override { plant(PlantedFault::none); }
};

TEST_P(PlantedWorlds, BetrayTheFault) {
  plant(GetParam());
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const RunResult result = run(plan_for(seed));
    if (result.findings.empty()) continue;
    RecordProperty("seed", static_cast<int>(seed));
    RecordProperty("checker", result.findings.front().checker);
    std::printf("%s: seed %d [%s] %s\n", std::string(name_of(GetParam())).c_str(),
                static_cast<int>(seed), result.findings.front().checker.c_str(),
                result.findings.front().text.substr(0, 160).c_str());
    return;
  }
  FAIL() << name_of(GetParam()) << " is not found in " << kSeeds << " worlds";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedWorlds,
                         testing::ValuesIn(all_planted_faults().begin(),
                                           all_planted_faults().end()),
                         [](const auto& fault) { return std::string(name_of(fault.param)); });

}  // namespace
}  // namespace tombolo::sim
