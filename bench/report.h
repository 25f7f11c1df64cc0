// What a run found: a table for people, JSON for machines, and what changed since an earlier run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement.h"

#include "tombolo/result.h"

namespace tombolo::bench {

struct Report {
  double scale = 1;  // below 1: a trial of the benchmarks themselves, whose figures say little
  int rounds = 0;
  // How much of the processors others used meanwhile, in percent of all.
  double others_percent = 0;
  std::vector<Row> rows;
};

std::string to_table(const Report& report);

std::string to_json(const Report& report);
// Error: invalid_data, when the text is no such report.
Result<Report> parse_report(std::string_view json);

struct Difference {
  std::string name;
  std::string unit;
  double old_value = 0;
  double new_value = 0;
  double change_percent = 0;   // above 0: worse
  bool beyond_spread = false;  // each median is outside of the other's lowest and highest
};

// The rows that both have, in the order of the new one. Error: invalid_argument, when they were
// made at different scales.
Result<std::vector<Difference>> differences(const Report& older, const Report& newer);

std::string to_table(const std::vector<Difference>& differences);

}  // namespace tombolo::bench
