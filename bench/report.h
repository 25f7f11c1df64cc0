// What a benchmark run found: a table for people, JSON for machines.
#pragma once

#include <string>
#include <vector>

#include "tombolo/value.h"

namespace tombolo::bench {

struct Row {
  std::string name;
  std::string figure;        // e.g. "18400 /s, p50 2.9 ms, 31 us server CPU each"
  std::string goal;          // what it is held against
  double ratio_to_goal = 0;  // above 1 is better than the goal
  Object numbers;
};

class Report {
 public:
  void add(Row row);
  std::string table() const;
  std::string json() const;

 private:
  std::vector<Row> rows_;
};

}  // namespace tombolo::bench
