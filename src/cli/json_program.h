// A child process that answers JSON lines with JSON lines, as `tombolo shell` does (docs/shell.md).
#pragma once

#include <cstdint>
#include <string>

#include "os/child_process.h"
#include "os/signals.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

class JsonProgram {
 public:
  // `name` stands in errors. A request to stop ends every wait, with `cancelled`; `stop` may be
  // null.
  static Result<JsonProgram> start(std::string name, const os::ChildOptions& options,
                                   os::StopSignal* stop = nullptr);

  const std::string& name() const { return name_; }
  os::ChildProcess& process() { return process_; }

  // The next line of its output. Error: unavailable (it has ended), invalid_data (no JSON),
  // timeout.
  Result<Value> read(std::int64_t timeout_ms = kAnswerTimeout_ms);

  // Sends a request (its "id" is set here) and gives the whole answer; events on the way are
  // dropped.
  Result<Value> answer_to(Value request, std::int64_t timeout_ms = kAnswerTimeout_ms);

  // As answer_to(), but gives the answer's "result", and an answer that is no success as an error
  // that names the program and the command.
  Result<Value> ask(Value request, std::int64_t timeout_ms = kAnswerTimeout_ms);

  static constexpr std::int64_t kAnswerTimeout_ms = 120'000;

 private:
  JsonProgram(std::string name, os::ChildProcess process, os::StopSignal* stop)
      : name_(std::move(name)), process_(std::move(process)), stop_(stop) {}

  std::string name_;
  os::ChildProcess process_;
  os::StopSignal* stop_;
  std::int64_t last_id_ = 0;
};

}  // namespace tombolo::cli
