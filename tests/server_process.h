// For tests: `tombolo serve` on a file, as a process of its own.
#pragma once

#include <cstdint>
#include <string>

#include "os/child_process.h"

#include "tombolo/value.h"

namespace tombolo {

class ServerProcess {
 public:
  // `port` 0: a free one.
  explicit ServerProcess(const std::string& database, std::uint16_t port = 0)
      : process_(os::ChildProcess::start({.command = {TOMBOLO_PROGRAM, "serve", "--json", "--port",
                                                      std::to_string(port), "--database", database,
                                                      "--log-level", "error"}})
                     .value()) {
    const std::string line = process_.read_line(kPatience_ms).value().value_or("");
    if (const Result<Value> said = Value::parse(line); said) {
      port_ = static_cast<std::uint16_t>((*said)["port"].as_integer());
    }
  }

  std::uint16_t port() const { return port_; }  // 0: it did not start

  // Sends the signal and waits for the end; the exit code, or -1 when the signal ended it.
  int end(int signal) { return process_.stop(signal, kPatience_ms).exit_code; }

 private:
  static constexpr std::int64_t kPatience_ms = 60'000;

  os::ChildProcess process_;
  std::uint16_t port_ = 0;
};

}  // namespace tombolo
