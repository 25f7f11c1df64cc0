// A progress bar on standard error while something long runs; nothing where no person looks.
#pragma once

#include <cstdint>
#include <string>

#include "os/clock.h"

namespace tombolo::cli {

class Progress {
 public:
  // `enabled`: whether to draw at all; it also takes a terminal on standard error.
  Progress(std::string label, bool enabled);
  ~Progress();  // wipes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // How far it is. A total of 0 is unknown: then only the count is shown. Drawn a few times a
  // second at most.
  void show(std::int64_t done, std::int64_t total);
  void wipe();

 private:
  const std::string label_;
  const bool enabled_;
  os::SystemClock clock_;
  std::int64_t drawn_at_ms_ = 0;
  bool visible_ = false;
};

}  // namespace tombolo::cli
