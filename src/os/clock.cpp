#include "os/clock.h"

#include <chrono>

namespace tombolo::os {
namespace {

template <typename SourceClock>
std::int64_t now_ms() {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  return duration_cast<milliseconds>(SourceClock::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t SystemClock::wall_ms() const {
  return now_ms<std::chrono::system_clock>();
}
std::int64_t SystemClock::monotonic_ms() const {
  return now_ms<std::chrono::steady_clock>();
}

}  // namespace tombolo::os
