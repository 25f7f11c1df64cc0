#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include "cli/context.h"
#include "os/environment.h"

namespace tombolo::cli {

namespace {
constexpr std::int64_t kRedrawEvery_ms = 80;
constexpr int kStandardError = 2;
}  // namespace

Progress::Progress(std::string label, bool enabled)
    : label_(std::move(label)), enabled_(enabled && os::is_terminal(kStandardError)) {}

Progress::~Progress() {
  wipe();
}

void Progress::show(std::int64_t done, std::int64_t total) {
  if (!enabled_) return;
  const std::int64_t now_ms = clock_.monotonic_ms();
  if (visible_ && now_ms - drawn_at_ms_ < kRedrawEvery_ms) return;
  drawn_at_ms_ = now_ms;
  visible_ = true;

  std::string line = label_ + "  ";
  if (total > 0) {
    const int room = std::clamp(
        os::terminal_columns(kStandardError) - static_cast<int>(label_.size()) - 34, 10, 40);
    const int filled = static_cast<int>(std::min(done, total) * room / total);
    for (int column = 0; column < room; ++column) line += column < filled ? "█" : "░";
    line += "  " + std::to_string(done * 100 / total) + " %  ";
  }
  line += grouped_number(done);
  if (total > 0) line += " of " + grouped_number(total);
  std::fputs(("\r\033[K" + line).c_str(), stderr);
  std::fflush(stderr);
}

void Progress::wipe() {
  if (!visible_) return;
  visible_ = false;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace tombolo::cli
