#include "run.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include "timing.h"

namespace tombolo::bench {
namespace {

void say(const std::string& text) {
  fmt::print(stderr, "{}", text);
  std::fflush(stderr);
}

}  // namespace

Run::Run(Settings settings)
    : settings_(std::move(settings)),
      busy_before_(machine_busy_seconds() - own_cpu_seconds()),
      started_(monotonic_seconds()) {
  if (!settings_.only.empty()) only_.emplace(settings_.only, std::regex::icase);
}

std::int64_t Run::count(std::int64_t full) const {
  const auto scaled = static_cast<std::int64_t>(static_cast<double>(full) * settings_.scale);
  return std::clamp<std::int64_t>(scaled, std::min<std::int64_t>(full, 100), full);
}

std::string Run::bare_program(std::string_view name) const {
  return settings_.bare_programs + "/" + std::string(name);
}

bool Run::wants(std::string_view row) const {
  return !only_ || std::regex_search(row.begin(), row.end(), *only_);
}

Result<void> Run::compare(const RowTitle& title, const Side& bound, const Side& ours) {
  if (!wants(title.name)) return {};
  say(title.name + " ");
  std::vector<Sample> of_bound;
  std::vector<Sample> of_ours;
  for (int round = 0; round <= settings_.rounds; ++round) {
    const Result<Sample> our_sample = ours();
    if (!our_sample) return fail(our_sample);
    const Result<Sample> bound_sample = bound();
    if (!bound_sample) return fail(bound_sample);
    say(".");
    if (round == 0) continue;  // the first one warmed up caches, disk and frequency
    of_ours.push_back(*our_sample);
    of_bound.push_back(*bound_sample);
  }
  Row row = compared(title, of_bound, of_ours);
  say(fmt::format(" {:.2f}x\n", row.value.median));
  add(std::move(row));
  last_samples_ = std::move(of_ours);
  return {};
}

Result<void> Run::measure(const RowTitle& title, const std::string& unit,
                          const std::function<Result<double>()>& value) {
  if (!wants(title.name)) return {};
  say(title.name + " ");
  std::vector<double> values;
  for (int round = 0; round < settings_.rounds; ++round) {
    const Result<double> found = value();
    if (!found) return fail(found);
    say(".");
    values.push_back(*found);
  }
  Row row;
  row.title = title;
  row.unit = unit;
  row.value = spread_of(std::move(values));
  say(fmt::format(" {:.2f} {}\n", row.value.median, unit));
  add(std::move(row));
  return {};
}

void Run::add(Row row) {
  if (wants(row.title.name)) rows_.push_back(std::move(row));
}

Report Run::report() const {
  Report report;
  report.scale = settings_.scale;
  report.rounds = settings_.rounds;
  report.rows = rows_;
  // Children that still run are not counted as ours, so nothing may be running.
  const double now = monotonic_seconds();
  const auto processors = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  const double others = machine_busy_seconds() - own_cpu_seconds() - busy_before_;
  report.others_percent = std::max(0.0, others / ((now - started_) * processors) * 100);
  return report;
}

}  // namespace tombolo::bench
