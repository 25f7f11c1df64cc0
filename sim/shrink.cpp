#include "sim/shrink.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "sim/run.h"

namespace tombolo::sim {
namespace {

using Step = std::function<void(Plan&)>;

bool fails(const Plan& plan, const std::string& checker) {
  const RunResult result = run(plan);
  return std::ranges::any_of(result.findings,
                             [&](const Finding& one) { return one.checker == checker; });
}

// What can be taken away from `plan`, the most first.
std::vector<Step> steps_for(const Plan& plan) {
  std::vector<Step> steps;
  for (std::size_t index = 0; index < plan.devices.size(); ++index) {
    steps.emplace_back([index](Plan& smaller) {
      smaller.devices.erase(smaller.devices.begin() + static_cast<std::ptrdiff_t>(index));
    });
  }
  steps.emplace_back([](Plan& smaller) { smaller.callers.clear(); });
  for (std::size_t index = 0; index < plan.callers.size(); ++index) {
    steps.emplace_back([index](Plan& smaller) {
      smaller.callers.erase(smaller.callers.begin() + static_cast<std::ptrdiff_t>(index));
    });
  }
  steps.emplace_back([](Plan& smaller) { smaller.faults = {}; });
  for (auto member : {&FaultPlan::server_death_ms, &FaultPlan::device_death_ms,
                      &FaultPlan::partition_ms, &FaultPlan::clock_jump_ms}) {
    steps.emplace_back([member](Plan& smaller) { smaller.faults.*member = 0; });
  }
  steps.emplace_back([](Plan& smaller) { smaller.faults.server_disk = {}; });
  steps.emplace_back([](Plan& smaller) { smaller.faults.device_disk = {}; });
  steps.emplace_back([](Plan& smaller) { smaller.faults.power_losses = false; });
  steps.emplace_back([](Plan& smaller) {
    const Plan usual = usual_plan();
    smaller.configuration = usual.configuration;
  });
  for (std::size_t index = 0; index < plan.devices.size(); ++index) {
    steps.emplace_back([index](Plan& smaller) { smaller.devices[index].wires = {}; });
    steps.emplace_back([index](Plan& smaller) { smaller.devices[index].away_ms = 0; });
    steps.emplace_back([index](Plan& smaller) { smaller.devices[index].holds = 0; });
    steps.emplace_back(
        [index](Plan& smaller) { smaller.devices[index].durability = Durability::full; });
    steps.emplace_back([index](Plan& smaller) {
      smaller.devices[index].skew_ms = 0;
      smaller.devices[index].drift_in_a_million = 0;
    });
  }
  steps.emplace_back([](Plan& smaller) { smaller.restore_at_ms = 0; });
  steps.emplace_back([](Plan& smaller) { smaller.private_collection = false; });
  steps.emplace_back([](Plan& smaller) { smaller.counters = false; });
  steps.emplace_back([](Plan& smaller) { smaller.collections = 1; });
  steps.emplace_back([](Plan& smaller) { smaller.records = std::max(1, smaller.records / 2); });
  steps.emplace_back([](Plan& smaller) { smaller.faulty_ms = smaller.faulty_ms / 2; });
  return steps;
}

}  // namespace

Plan shrink(Plan plan, const std::string& checker) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const Step& step : steps_for(plan)) {
      Plan tried = plan;
      step(tried);
      const bool same = tried.describe() == plan.describe();
      if (same || tried.devices.empty() || !fails(tried, checker)) continue;
      plan = std::move(tried);
      smaller = true;
      break;  // the steps are for another plan now
    }
  }
  return plan;
}

}  // namespace tombolo::sim
