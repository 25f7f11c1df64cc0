// Structured logging as an interface: an event name and its fields, written by whoever owns a real
// output (os/), kept by tests.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tombolo/value.h"

namespace tombolo {

enum class LogLevel { debug, info, warning, error };

class Logger {
 public:
  virtual ~Logger() = default;

  // Records that `event` (a stable snake_case name) happened. Thread-safe.
  virtual void log(LogLevel level, std::string_view event, const Object& fields) = 0;
  virtual bool enabled(LogLevel level) const = 0;
};

// Drops everything.
class NullLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view, const Object&) override {}
  bool enabled(LogLevel) const override { return false; }
};

}  // namespace tombolo
