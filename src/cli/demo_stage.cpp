#include "cli/demo_stage.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tombolo::cli {

namespace {

constexpr std::string_view kIndent = "   ";
constexpr int kWidestText = 80;  // longer lines are hard to read
constexpr std::size_t kLabelColumns = 11;

constexpr std::int64_t kReading_ms_per_byte = 20;
constexpr std::int64_t kShortestPause_ms = 1'500;
constexpr std::int64_t kLongestPause_ms = 9'000;
constexpr std::int64_t kBeat_ms = 700;
constexpr std::int64_t kShortBeat_ms = 20;

std::string_view player_style(std::string_view player) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kStyles = {
      {{"device A", "36"}, {"device B", "35"}, {"kinto.js", "33"}, {"server", "34"}}};
  for (const auto& [name, style] : kStyles) {
    if (name == player) return style;
  }
  return "1";
}

}  // namespace

DemoStage::DemoStage(const Context& context, bool pauses, os::StopSignal& stop)
    : context_(context),
      pauses_(pauses && context.is_terminal() && !context.json()),
      stop_(stop),
      columns_(std::min(context.columns(), kWidestText)) {}

void DemoStage::print(const std::string& text) {
  if (context_.json()) return;
  unread_bytes_ += text.size();
  is_separated_ = text.ends_with("\n\n");
  context_.print(text);
}

void DemoStage::separate() {
  if (!is_separated_) print("\n");
  is_separated_ = true;
}

void DemoStage::title(std::string_view text) {
  print(styled(context_.color(), "1", text) + "\n\n");
}

void DemoStage::act(std::string_view heading) {
  separate();
  const std::string number = std::to_string(++acts_);
  print(styled(context_.color(), "1", number + "  " + std::string(heading)) + "\n\n");
}

void DemoStage::say(std::string_view text) {
  separate();
  print(wrapped(text, columns_, kIndent) + "\n");
}

void DemoStage::subject(std::string_view text) {
  separate();
  print(wrapped(text, columns_, kIndent));
}

std::string DemoStage::labelled(std::string_view label) const {
  std::string padded(label);
  padded.resize(std::max(kLabelColumns, padded.size() + 1), ' ');
  return std::string(kIndent) + styled(context_.color(), player_style(label), padded);
}

void DemoStage::deed(std::string_view player, std::string_view what) {
  print(labelled(player) + std::string(what) + "\n");
}

void DemoStage::entry(std::string_view label, std::string_view text) {
  const std::string indent(kIndent.size() + kLabelColumns, ' ');
  print(labelled(label) + wrapped(text, columns_, indent).substr(indent.size()));
}

void DemoStage::result(std::string_view text) {
  const std::string indent = std::string(kIndent) + std::string(kLabelColumns, ' ');
  print(wrapped(text, columns_, indent));
}

void DemoStage::show(const Table& table) {
  separate();
  // A table with columns missing would not show that all are equal: a narrow terminal breaks lines.
  const std::string text =
      table.text(kWidestText - static_cast<int>(kIndent.size()), context_.color());
  std::string indented;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    indented += std::string(kIndent) + std::string(rest.substr(0, end)) + "\n";
    rest.remove_prefix(end + 1);
  }
  print(indented + "\n");
}

void DemoStage::good(std::string_view text) {
  separate();
  std::string lines = wrapped(text, columns_, kIndent);
  lines.pop_back();
  print(styled(context_.color(), "32", lines) + "\n");
}

Result<void> DemoStage::pause() {
  const std::int64_t reading_ms =
      std::clamp(static_cast<std::int64_t>(std::exchange(unread_bytes_, 0)) * kReading_ms_per_byte,
                 kShortestPause_ms, kLongestPause_ms);
  return wait(pauses_ ? reading_ms : 0);
}

Result<void> DemoStage::beat() {
  return wait(pauses_ ? kBeat_ms : kShortBeat_ms);
}

Result<void> DemoStage::wait(std::int64_t time_ms) {
  if (stop_.wait_for(time_ms) >= 0) return fail(ErrorCode::cancelled, "stopped");
  return {};
}

std::string wrapped(std::string_view text, int columns, std::string_view indent) {
  const int room = std::max(1, columns - display_width(indent));
  std::string lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(word) > room) {
      lines += std::string(indent) + line + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines += std::string(indent) + line + "\n";
  return lines;
}

}  // namespace tombolo::cli
