// Logs to a stream of the process (usually standard error): lines for people or JSON lines for
// machines.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace tombolo::os {

enum class LogFormat {
  human,  // 2026-03-01T12:00:00.123Z info  server_started port=8888
  json,   // {"time":"2026-03-01T12:00:00.123Z","level":"info","event":"server_started","port":8888}
};

class StreamLogger final : public Logger {
 public:
  // Writes to `descriptor`, which stays the caller's, one write() a line.
  StreamLogger(const Clock& clock, LogFormat format, LogLevel least, int descriptor = 2);

  void log(LogLevel level, std::string_view event, const Object& fields) override;
  bool enabled(LogLevel level) const override { return level >= least_; }

 private:
  const Clock& clock_;
  const LogFormat format_;
  const LogLevel least_;
  const int descriptor_;
  std::mutex mutex_;
};

// One line without its end, as StreamLogger writes it. Control characters in values are escaped, so
// that no value can forge a line.
std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level,
                            std::string_view event, const Object& fields);

}  // namespace tombolo::os
