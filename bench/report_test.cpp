#include "report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

Report report_with(Spread value, std::optional<double> budget = {}) {
  Row row;
  row.title = {.name = "a path", .bound = "a bound", .judged = Judged::cpu_time, .budget = budget};
  row.value = value;
  row.ours = Costs{{3, 2, 4}, Spread{1, 1, 2}};
  row.bound = Costs{{2, 2, 3}, {}};
  Report report;
  report.rounds = 3;
  report.rows.push_back(row);
  return report;
}

Difference difference_of(Spread older, Spread newer) {
  return differences(report_with(older), report_with(newer)).value().at(0);
}

TEST(Spread, IsTheMedianWithTheLowestAndTheHighest) {
  const Spread odd = spread_of({3, 1, 9});
  EXPECT_EQ(odd.median, 3);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 9);
  EXPECT_EQ(spread_of({4, 1, 2, 9}).median, 3);
}

TEST(Comparison, TakesTheRatioRoundByRoundAndPerOperation) {
  const std::vector<Sample> bound = {{1, 1, 10}, {2, 2, 10}, {4, 4, 10}};
  const std::vector<Sample> ours = {{4, 1, 20}, {12, 2, 20}, {8, 4, 20}};
  const Row by_wall = compared({.name = "w", .bound = "b"}, bound, ours);
  EXPECT_DOUBLE_EQ(by_wall.value.median, 2);
  EXPECT_DOUBLE_EQ(by_wall.value.low, 1);
  EXPECT_DOUBLE_EQ(by_wall.value.high, 3);
  EXPECT_DOUBLE_EQ(by_wall.ours->wall_us.median, 0.4e6);
  const Row by_cpu = compared({.name = "c", .bound = "b", .judged = Judged::cpu_time}, bound, ours);
  EXPECT_DOUBLE_EQ(by_cpu.value.median, 0.5);
}

TEST(Report, SaysWhetherABudgetIsMet) {
  EXPECT_THAT(to_table(report_with({1.5, 1, 2}, 1.5)), HasSubstr("met"));
  EXPECT_THAT(to_table(report_with({1.6, 1, 2}, 1.5)), HasSubstr("MISSED"));
  EXPECT_THAT(to_table(report_with({1.6, 1, 2})), Not(HasSubstr("MISSED")));
}

TEST(Report, IsReadBackAsItWasWritten) {
  const Report written = report_with({1.25, 1, 2}, 1.5);
  const auto read = parse_report(to_json(written));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(*read), to_json(written));
  EXPECT_EQ(to_table(*read), to_table(written));
  EXPECT_FALSE(parse_report("[]"));
  EXPECT_FALSE(parse_report(R"({"format":"another","rows":[]})"));
}

TEST(Differences, TellNoiseFromChange) {
  const Difference noise = difference_of({1.0, 0.9, 1.3}, {1.2, 1.1, 1.4});
  EXPECT_FALSE(noise.beyond_spread);
  EXPECT_NEAR(noise.change_percent, 20, 1e-9);
  const Difference worse = difference_of({1.0, 0.9, 1.1}, {1.5, 1.4, 1.6});
  EXPECT_TRUE(worse.beyond_spread);
  EXPECT_NEAR(worse.change_percent, 50, 1e-9);
  EXPECT_THAT(to_table(std::vector{worse}), HasSubstr("WORSE"));
  const Difference better = difference_of({1.5, 1.4, 1.6}, {1.2, 1.1, 1.3});
  EXPECT_THAT(to_table(std::vector{better}), HasSubstr("better"));
}

TEST(Differences, LeaveOutWhatOnlyOneHas) {
  Report newer = report_with({1, 1, 1});
  newer.rows[0].title.name = "another path";
  EXPECT_TRUE(differences(report_with({1, 1, 1}), newer).value().empty());
}

TEST(Differences, RefuseFiguresOfAnotherScale) {
  Report newer = report_with({1, 1, 1});
  newer.scale = 0.01;
  EXPECT_FALSE(differences(report_with({1, 1, 1}), newer));
}

}  // namespace
}  // namespace tombolo::bench
