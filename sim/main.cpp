// tombolo-sim: runs simulated worlds and says what went wrong in them.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

#include "sim/plan.h"
#include "sim/run.h"
#include "sim/seed_file.h"
#include "sim/shrink.h"

namespace {

using namespace tombolo;
using namespace tombolo::sim;

void print_findings(const Plan& plan, const RunResult& result) {
  fmt::print("  {}\n", plan.describe());
  for (const Finding& finding : result.findings) {
    fmt::print("  [{}] at {} ms: {}\n", finding.checker, finding.at_us / 1000, finding.text);
  }
}

void print_line(std::uint64_t seed, const RunResult& result) {
  const RunTotals& totals = result.totals;
  const WireCounts& wires = totals.wires;
  fmt::print(
      "seed {:<8} {:016x} {:>8} s {:>5} writes {:>5} operations {:>4} requests {:>3} power losses "
      "{:>3} kills {:>3} torn {:>3} cuts {:>4} broken {:>3} disk faults {:>2} clock jumps  {}\n",
      seed, result.trace_hash, totals.virtual_ms / 1000, totals.writes, totals.operations,
      totals.requests, totals.faults.power_losses, totals.faults.kills, totals.disks.torn,
      wires.partitions, wires.broken + wires.lost_requests + wires.lost_answers,
      totals.disks.faults, totals.faults.clock_jumps, result.findings.empty() ? "ok" : "FAILED");
  std::fflush(stdout);
}

// False: something went wrong in it.
bool run_seed(std::uint64_t seed) {
  const Plan plan = plan_for(seed);
  const RunResult result = run(plan);
  print_line(seed, result);
  if (result.findings.empty()) return true;
  print_findings(plan, result);
  return false;
}

bool run_seeds(std::uint64_t first, std::uint64_t count) {
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) failed += run_seed(seed) ? 0 : 1;
  fmt::print("{} of {} seeds from {} on went well\n", count - failed, count, first);
  return failed == 0;
}

bool run_listed(const std::string& path) {
  const auto seeds = read_seeds(path);
  if (!seeds) {
    fmt::print(stderr, "{}\n", seeds.error().message);
    return false;
  }
  bool good = true;
  for (const std::uint64_t seed : *seeds) good = run_seed(seed) && good;
  return good;
}

void explain(std::uint64_t seed) {
  const Plan plan = plan_for(seed);
  std::string report;
  const RunResult result = run(
      plan,
      [](std::int64_t at_us, std::string_view who, std::string_view what) {
        fmt::print("{:>12.3f} {:<10} {}\n", static_cast<double>(at_us) / 1000, who, what);
      },
      &report);
  print_line(seed, result);
  print_findings(plan, result);
  fmt::print("{}", report);
}

void print_shrunk(std::uint64_t seed) {
  const Plan plan = plan_for(seed);
  const RunResult whole = run(plan);
  if (whole.findings.empty()) {
    fmt::print("nothing goes wrong in seed {}\n", seed);
    return;
  }
  const Plan smaller = shrink(plan, whole.findings.front().checker);
  std::string report;
  const RunResult result = run(smaller, {}, &report);
  print_line(seed, result);
  print_findings(smaller, result);
  fmt::print("{}", report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs simulated worlds: real clients and a real server over simulated hardware."};
  std::uint64_t count = 0;
  std::uint64_t first = 1;
  std::uint64_t one = 0;
  std::uint64_t shrunk = 0;
  std::uint64_t explained = 0;
  std::string listed;
  app.add_option("--seeds", count, "run so many seeds");
  app.add_option("--from", first, "the first of them (1)");
  app.add_option("--seed", one, "run one seed");
  app.add_option("--list", listed, "run the seeds in a file, one a line");
  app.add_option("--shrink", shrunk, "look for a smaller world in which a seed fails likewise");
  app.add_option("--explain", explained, "print all that happens in a seed, and what is left");
  app.require_option(1, 0);
  CLI11_PARSE(app, argc, argv);
  bool good = true;
  if (one != 0) good = run_seed(one) && good;
  if (!listed.empty()) good = run_listed(listed) && good;
  if (count != 0) good = run_seeds(first, count) && good;
  if (shrunk != 0) print_shrunk(shrunk);
  if (explained != 0) explain(explained);
  return good ? 0 : 1;
}
