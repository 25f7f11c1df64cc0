#include "report.h"

#include <algorithm>
#include <fmt/format.h>

#include "tombolo/value.h"

namespace tombolo::bench {
namespace {

constexpr std::string_view kFormat = "tombolo-bench-1";

// As many digits as say something, whatever the size.
std::string number(double value) {
  const double size = value < 0 ? -value : value;
  if (size >= 1000) return fmt::format("{:.0f}", value);
  return size >= 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

std::string cost_text(const std::optional<Costs>& costs) {
  if (!costs) return "";
  const std::string wall = number(costs->wall_us.median);
  return costs->cpu_us ? wall + " / " + number(costs->cpu_us->median) : wall + " / -";
}

std::string value_text(const Row& row) {
  const std::string unit = row.unit == "x" ? "x" : " " + row.unit;
  return fmt::format("{}{} ({}..{})", number(row.value.median), unit, number(row.value.low),
                     number(row.value.high));
}

std::string budget_text(const Row& row) {
  if (!row.title.budget) return "";
  return fmt::format("<= {} {}", number(*row.title.budget), row.met() ? "met" : "MISSED");
}

// Columns as wide as their widest cell; the first line is the heading.
std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += fmt::format("{:<{}}  ", line[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

Value spread_json(const Spread& spread) {
  return Object{{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Value costs_json(const Costs& costs) {
  Object object{{"wall_us", spread_json(costs.wall_us)}};
  if (costs.cpu_us) object.set("cpu_us", spread_json(*costs.cpu_us));
  return object;
}

Spread parse_spread(const Value& value) {
  return {value["median"].as_number(), value["low"].as_number(), value["high"].as_number()};
}

std::optional<Costs> parse_costs(const Value& value) {
  if (!value.is_object()) return std::nullopt;
  Costs costs{parse_spread(value["wall_us"]), {}};
  if (value["cpu_us"].is_object()) costs.cpu_us = parse_spread(value["cpu_us"]);
  return costs;
}

Value row_json(const Row& row) {
  Object object{{"name", row.title.name},
                {"unit", row.unit},
                {"judged", row.title.judged == Judged::cpu_time ? "cpu" : "wall"},
                {"value", spread_json(row.value)}};
  if (row.title.budget) {
    object.set("budget", *row.title.budget);
    object.set("met", row.met());
  }
  if (!row.title.bound.empty()) object.set("bound_is", row.title.bound);
  if (row.ours) object.set("ours", costs_json(*row.ours));
  if (row.bound) object.set("bound", costs_json(*row.bound));
  return object;
}

Row parse_row(const Value& value) {
  Row row;
  row.title.name = value["name"].as_string();
  row.title.bound = value["bound_is"].as_string();
  row.title.judged = value["judged"].as_string() == "cpu" ? Judged::cpu_time : Judged::wall_time;
  if (value["budget"].is_number()) row.title.budget = value["budget"].as_number();
  row.unit = value["unit"].as_string();
  row.value = parse_spread(value["value"]);
  row.ours = parse_costs(value["ours"]);
  row.bound = parse_costs(value["bound"]);
  return row;
}

bool outside(double value, const Spread& spread) {
  return value < spread.low || value > spread.high;
}

}  // namespace

std::string to_table(const Report& report) {
  std::vector<std::vector<std::string>> lines = {{"path", "ours us / CPU", "bound us / CPU",
                                                  "judged", "value (low..high)", "budget",
                                                  "bound"}};
  for (const Row& row : report.rows) {
    const bool by_cpu = row.title.judged == Judged::cpu_time;
    lines.push_back({row.title.name, cost_text(row.ours), cost_text(row.bound),
                     row.title.bound.empty() ? "" : (by_cpu ? "CPU" : "wall"), value_text(row),
                     budget_text(row), row.title.bound});
  }
  std::string out = aligned(lines);
  out +=
      fmt::format("\nMedians of {} rounds, per operation. Others used {:.0f} % of the processors",
                  report.rounds, report.others_percent);
  out += report.others_percent > 5 ? ": wall times say little.\n" : ".\n";
  if (report.scale != 1) {
    out += fmt::format("A trial at {} of the real size: these figures are no results.\n",
                       report.scale);
  }
  return out;
}

std::string to_json(const Report& report) {
  Array rows;
  for (const Row& row : report.rows) rows.push_back(row_json(row));
  return Value(Object{{"format", kFormat},
                      {"scale", report.scale},
                      {"rounds", report.rounds},
                      {"others_percent", report.others_percent},
                      {"rows", std::move(rows)}})
             .to_json() +
         "\n";
}

Result<Report> parse_report(std::string_view json) {
  const auto value = Value::parse(json);
  if (!value) return fail(value);
  if ((*value)["format"].as_string() != kFormat || !(*value)["rows"].is_array()) {
    return fail(ErrorCode::invalid_data, "this is no report of the benchmarks (\"format\": \"" +
                                             std::string(kFormat) +
                                             "\"): write one with --json FILE");
  }
  Report report;
  report.scale = (*value)["scale"].as_number();
  report.rounds = static_cast<int>((*value)["rounds"].as_integer());
  report.others_percent = (*value)["others_percent"].as_number();
  for (const Value& row : *(*value)["rows"].if_array()) report.rows.push_back(parse_row(row));
  return report;
}

Result<std::vector<Difference>> differences(const Report& older, const Report& newer) {
  if (older.scale != newer.scale) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the old figures were made at scale {}, the new ones at {}",
                            older.scale, newer.scale));
  }
  std::vector<Difference> found;
  for (const Row& row : newer.rows) {
    const auto before =
        std::find_if(older.rows.begin(), older.rows.end(), [&](const Row& candidate) {
          return candidate.title.name == row.title.name && candidate.unit == row.unit;
        });
    if (before == older.rows.end()) continue;
    Difference difference{
        row.title.name,
        row.unit,
        before->value.median,
        row.value.median,
        0,
        outside(row.value.median, before->value) && outside(before->value.median, row.value)};
    difference.change_percent = (difference.new_value / difference.old_value - 1) * 100;
    found.push_back(std::move(difference));
  }
  return found;
}

std::string to_table(const std::vector<Difference>& differences) {
  std::vector<std::vector<std::string>> lines = {{"path", "old", "new", "change", ""}};
  for (const Difference& difference : differences) {
    const char* verdict = !difference.beyond_spread       ? "within the spread"
                          : difference.change_percent > 0 ? "WORSE"
                                                          : "better";
    const std::string unit = difference.unit == "x" ? "x" : " " + difference.unit;
    lines.push_back({difference.name, number(difference.old_value) + unit,
                     number(difference.new_value) + unit,
                     fmt::format("{:+.1f} %", difference.change_percent), verdict});
  }
  return aligned(lines);
}

}  // namespace tombolo::bench
