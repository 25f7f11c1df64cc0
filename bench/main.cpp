// The benchmarks: every path of the performance budget (docs/architecture.md) against its physical
// bound, in one run. `make bench`; CONTRIBUTING.md says how to read and compare the figures.
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <string>

#include "options.h"
#include "os/files.h"
#include "report.h"
#include "run.h"

namespace tombolo::bench {
namespace {

using Scenario = Result<void> (*)(Run&);
constexpr Scenario kScenarios[] = {measure_local_database, measure_first_sync, measure_http,
                                   measure_writes,         measure_fan_out,    measure_latency,
                                   measure_memory,         measure_wake_ups,   measure_growth};

Result<Report> measure(const Options& options) {
  Settings settings;
  settings.tombolo = options.text("--binary");
  settings.bare_programs = TOMBOLO_BARE_PROGRAMS;
  settings.folder = options.text("--folder");
  settings.only = options.text("--only");
  settings.rounds = std::max(1, options.number("--rounds"));
  settings.scale = options.real("--scale");
  settings.largest_table = options.number("--largest-table");
  Run run(std::move(settings));
  for (const Scenario scenario : kScenarios) {
    if (auto done = scenario(run); !done) return fail(done);
  }
  return run.report();
}

Result<Report> read_report(const std::string& file) {
  const auto text = os::read_file(file);
  if (!text) return fail(text);
  return parse_report(*text);
}

// True: nothing became so much worse.
Result<bool> compare_with(const Report& report, const Options& options) {
  const auto older = read_report(options.text("--compare"));
  if (!older) return fail(older);
  const auto found = differences(*older, report);
  if (!found) return fail(found);
  fmt::print("\n{}", to_table(*found));
  if (options.text("--fail-above").empty()) return true;
  bool good = true;
  for (const Difference& difference : *found) {
    good = good &&
           !(difference.beyond_spread && difference.change_percent > options.real("--fail-above"));
  }
  return good;
}

Result<bool> run_all(const Options& options) {
  const std::string& from = options.text("--from");
  const auto report = from.empty() ? measure(options) : read_report(from);
  if (!report) return fail(report);
  if (report->rows.empty()) return fail(ErrorCode::not_found, "--only matches no row");
  fmt::print("\n{}", to_table(*report));
  if (const std::string& file = options.text("--json"); !file.empty()) {
    if (auto written = os::write_file(file, to_json(*report)); !written) return fail(written);
  }
  return options.text("--compare").empty() ? true : compare_with(*report, options);
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) {
  using namespace tombolo::bench;
  const Options options(
      argc, argv,
      {{"--only", "", "rows to measure: a regular expression"},
       {"--rounds", "5", "how often each side runs, after one unmeasured time"},
       {"--json", "", "a file for the figures"},
       {"--compare", "", "a file with older figures: what has changed since?"},
       {"--fail-above", "",
        "exit with 1 when a row is worse by more percent, and beyond the spread"},
       {"--from", "", "a file with figures to be shown, instead of measuring"},
       {"--largest-table", "100000", "records of the largest table of the rows about growth"},
       {"--folder", "/var/tmp", "where databases are made: on a disk"},
       {"--scale", "1", "e.g. 0.01: try the benchmarks themselves, quickly"},
       {"--binary", TOMBOLO_BINARY, "the tombolo program"}});
  const auto done = run_all(options);
  if (!done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 2;
  }
  return *done ? 0 : 1;
}
