// One run of the benchmarks: what was asked for, and the rows found so far.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "measurement.h"
#include "report.h"

#include "tombolo/result.h"

namespace tombolo::bench {

struct Settings {
  std::string tombolo;        // the server's program
  std::string bare_programs;  // the folder of bare_http and bare_websocket
  std::string folder;         // for databases: on a disk
  std::string only;           // a regular expression that names of rows must match; empty: all
  int rounds = 5;
  double scale = 1;
  std::int64_t largest_table = 100'000;  // records, of the rows about growth
};

class Run {
 public:
  // One run of one side, from fresh files to its figures.
  using Side = std::function<Result<Sample>()>;

  explicit Run(Settings settings);

  const Settings& settings() const { return settings_; }
  int rounds() const { return settings_.rounds; }
  // So many operations at full size, at least 100 of them.
  std::int64_t count(std::int64_t full) const;
  std::string bare_program(std::string_view name) const;

  bool wants(std::string_view row) const;

  // Alternates the two sides, after one unmeasured run of each, and adds the row. Ours is run
  // first, so that the bound can repeat what ours did last. Does nothing for a row that nobody
  // wants.
  Result<void> compare(const RowTitle& title, const Side& bound, const Side& ours);

  // Adds a row without a bound: measured once in each round.
  Result<void> measure(const RowTitle& title, const std::string& unit,
                       const std::function<Result<double>()>& value);

  void add(Row row);

  // Of the last comparison, for a second row about the same runs.
  const std::vector<Sample>& last_samples() const { return last_samples_; }

  Report report() const;

 private:
  const Settings settings_;
  std::optional<std::regex> only_;
  std::vector<Row> rows_;
  std::vector<Sample> last_samples_;
  const double busy_before_;  // seconds that others had used at the start
  const double started_;
};

// The scenarios; each adds the rows of it that are wanted.
Result<void> measure_local_database(Run& run);  // local_rows.cpp
Result<void> measure_first_sync(Run& run);      // sync_rows.cpp
Result<void> measure_http(Run& run);            // http_rows.cpp
Result<void> measure_writes(Run& run);          // write_rows.cpp
Result<void> measure_fan_out(Run& run);         // fan_out_rows.cpp
Result<void> measure_latency(Run& run);         // latency_rows.cpp
Result<void> measure_memory(Run& run);          // memory_rows.cpp
Result<void> measure_wake_ups(Run& run);        // wake_up_rows.cpp
Result<void> measure_growth(Run& run);          // growth_rows.cpp

}  // namespace tombolo::bench
