#include "net/http_date.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "os/clock.h"

namespace tombolo::net {

std::string format_http_date(std::int64_t wall_ms) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string_view current_http_date() {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  const std::int64_t now_ms = os::SystemClock().wall_ms();
  if (now_ms / 1000 != second) {
    second = now_ms / 1000;
    text = format_http_date(now_ms);
  }
  return text;
}

}  // namespace tombolo::net
