#include "report.h"

#include <fmt/format.h>

namespace tombolo::bench {

void Report::add(Row row) {
  fmt::print("  {:<44} {}\n", row.name, row.figure);
  rows_.push_back(std::move(row));
}

std::string Report::table() const {
  std::string out =
      fmt::format("\n{:<44} {:<58} {:<22} {}\n", "path", "measured", "goal", "x goal");
  for (const Row& row : rows_) {
    out += fmt::format("{:<44} {:<58} {:<22} {:.2f}\n", row.name, row.figure, row.goal,
                       row.ratio_to_goal);
  }
  return out;
}

std::string Report::json() const {
  Array rows;
  for (const Row& row : rows_) {
    Object entry = row.numbers;
    entry.set("name", row.name);
    entry.set("goal", row.goal);
    entry.set("ratio_to_goal", row.ratio_to_goal);
    rows.emplace_back(std::move(entry));
  }
  return Value(std::move(rows)).to_json() + "\n";
}

}  // namespace tombolo::bench
