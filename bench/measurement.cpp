#include "measurement.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tombolo::bench {
namespace {

double judged_cost(const Sample& sample, Judged judged) {
  const double seconds =
      judged == Judged::wall_time ? sample.wall_seconds : sample.cpu_seconds.value_or(0);
  return seconds / static_cast<double>(sample.operations);
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  TOMBOLO_CHECK(!values.empty(), "a spread of nothing");
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

Costs costs_of(const std::vector<Sample>& samples) {
  std::vector<double> wall;
  std::vector<double> cpu;
  for (const Sample& sample : samples) {
    wall.push_back(judged_cost(sample, Judged::wall_time) * 1e6);
    if (sample.cpu_seconds) cpu.push_back(judged_cost(sample, Judged::cpu_time) * 1e6);
  }
  Costs costs{spread_of(std::move(wall)), {}};
  if (!cpu.empty()) costs.cpu_us = spread_of(std::move(cpu));
  return costs;
}

Row compared(RowTitle title, const std::vector<Sample>& bound, const std::vector<Sample>& ours) {
  TOMBOLO_CHECK(bound.size() == ours.size(), "bound and ours are measured in turn");
  std::vector<double> ratios;
  for (std::size_t round = 0; round < ours.size(); ++round) {
    ratios.push_back(judged_cost(ours[round], title.judged) /
                     judged_cost(bound[round], title.judged));
  }
  Row row;
  row.title = std::move(title);
  row.value = spread_of(std::move(ratios));
  row.ours = costs_of(ours);
  row.bound = costs_of(bound);
  return row;
}

}  // namespace tombolo::bench
