// The figures of a benchmark: samples, their spread, and rows that hold one path against its bound.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tombolo::bench {

// What one run of one side took.
struct Sample {
  double wall_seconds = 0;
  // Of the process that does the work which is measured: the server for what a server answers, this
  // process for what the library does. Nothing where that cannot be told apart.
  std::optional<double> cpu_seconds;
  std::int64_t operations = 1;
};

// What several runs found.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};
Spread spread_of(std::vector<double> values);

// Per operation, in microseconds.
struct Costs {
  Spread wall_us;
  std::optional<Spread> cpu_us;
};
Costs costs_of(const std::vector<Sample>& samples);

enum class Judged {
  wall_time,  // how much longer ours takes than the bound
  cpu_time,   // the same of the processor's time: neighbours on the machine change it little
};

// What a row is called, and what it is held to.
struct RowTitle {
  std::string name;
  std::string bound;  // what the bound is; empty: the row has none
  Judged judged = Judged::wall_time;
  std::optional<double> budget = {};  // what the value may be at most
};

// `value` is the ratio of ours to the bound, or what was measured in `unit` where there is none.
struct Row {
  RowTitle title;
  std::string unit = "x";
  Spread value;
  std::optional<Costs> ours;
  std::optional<Costs> bound;

  // Whether the median keeps to the budget; true without one.
  bool met() const { return !title.budget || value.median <= *title.budget; }
};

// The ratio is taken round by round: sample i of ours to sample i of the bound.
Row compared(RowTitle title, const std::vector<Sample>& bound, const std::vector<Sample>& ours);

}  // namespace tombolo::bench
