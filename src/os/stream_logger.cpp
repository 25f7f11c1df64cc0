#include "os/stream_logger.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <unistd.h>

#include "base/json.h"

namespace tombolo::os {
namespace {

std::string_view name_of_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

// RFC 3339 in UTC with milliseconds.
std::string format_time(std::int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(wall_ms % 1000));
  return std::string(date.data(), size) + fraction.data();
}

// A text stands bare where it cannot be misread, and as JSON otherwise.
bool can_stand_bare(std::string_view text) {
  if (text.empty()) return false;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte <= ' ' || byte >= 0x7F || letter == '"' || letter == '=') return false;
  }
  return true;
}

void append_human_value(std::string& line, const Value& value) {
  if (value.is_string() && can_stand_bare(value.as_string())) {
    line += value.as_string();
  } else {
    append_json(line, value);
  }
}

std::string format_human(std::string time, LogLevel level, std::string_view event,
                         const Object& fields) {
  std::string line = std::move(time);
  line += ' ';
  line += name_of_level(level);
  line.append(8 - name_of_level(level).size(), ' ');
  line += event;
  for (const auto& [name, value] : fields) {
    line += ' ';
    line += name;
    line += '=';
    append_human_value(line, value);
  }
  return line;
}

}  // namespace

std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level,
                            std::string_view event, const Object& fields) {
  if (format == LogFormat::human) return format_human(format_time(wall_ms), level, event, fields);
  Object line;
  line.set("time", format_time(wall_ms));
  line.set("level", std::string(name_of_level(level)));
  line.set("event", std::string(event));
  for (const auto& [name, value] : fields) line.set(name, value);
  std::string text;
  append_json(text, line);
  return text;
}

StreamLogger::StreamLogger(const Clock& clock, LogFormat format, LogLevel least, int descriptor)
    : clock_(clock), format_(format), least_(least), descriptor_(descriptor) {}

void StreamLogger::log(LogLevel level, std::string_view event, const Object& fields) {
  if (!enabled(level)) return;
  const std::string line = format_log_line(format_, clock_.wall_ms(), level, event, fields) + '\n';
  const std::lock_guard lock(mutex_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // nobody reads the log: there is nowhere to say so
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace tombolo::os
