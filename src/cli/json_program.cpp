#include "cli/json_program.h"

#include <algorithm>

#include "os/clock.h"

namespace tombolo::cli {

namespace {
constexpr std::int64_t kLookForStopEvery_ms = 100;
constexpr std::int64_t kEndTimeout_ms = 1'000;  // from the end of the output to that of the process
}  // namespace

Result<JsonProgram> JsonProgram::start(std::string name, const os::ChildOptions& options,
                                       os::StopSignal* stop) {
  auto process = os::ChildProcess::start(options);
  if (!process) return fail(process);
  return JsonProgram(std::move(name), *std::move(process), stop);
}

Result<Value> JsonProgram::read(std::int64_t timeout_ms) {
  const os::SystemClock clock;
  const std::int64_t deadline_ms = clock.monotonic_ms() + timeout_ms;
  while (true) {
    if (stop_ != nullptr && stop_->wait_for(0) >= 0) return fail(ErrorCode::cancelled, "stopped");
    const std::int64_t left_ms = std::max<std::int64_t>(deadline_ms - clock.monotonic_ms(), 0);
    const auto line = process_.read_line(std::min(left_ms, kLookForStopEvery_ms));
    if (!line && line.error().code == ErrorCode::timeout && left_ms > 0) continue;
    if (!line) return fail(line.error().code, name_ + ": " + line.error().message);
    if (!*line) {
      const auto status = process_.wait_for_end(kEndTimeout_ms);
      return fail(ErrorCode::unavailable,
                  name_ + " " + (status ? status->text() : "has closed its output"));
    }
    auto value = Value::parse(**line);
    if (!value) return fail(ErrorCode::invalid_data, name_ + " wrote no JSON: " + **line);
    return value;
  }
}

Result<Value> JsonProgram::answer_to(Value request, std::int64_t timeout_ms) {
  const Value id = ++last_id_;
  request["id"] = id;
  if (const auto sent = process_.write_line(request.to_json(), timeout_ms); !sent) {
    return fail(sent.error().code, name_ + ": " + sent.error().message);
  }
  while (true) {
    auto line = read(timeout_ms);
    if (!line || (*line)["id"] == id) return line;
  }
}

Result<Value> JsonProgram::ask(Value request, std::int64_t timeout_ms) {
  const std::string command(request["command"].as_string());
  auto answer = answer_to(std::move(request), timeout_ms);
  if (!answer) return answer;
  if ((*answer)["ok"].as_bool()) return (*answer)["result"];
  return fail(ErrorCode::unavailable, name_ + " cannot " + command + ": " +
                                          std::string((*answer)["error"]["message"].as_string()));
}

}  // namespace tombolo::cli
