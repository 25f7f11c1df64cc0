#include "server_process.h"

#include <csignal>
#include <utility>

#include "tombolo/value.h"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kStartTimeoutMs = 30'000;
constexpr std::int64_t kStopTimeoutMs = 60'000;  // a checkpoint of a large log is part of it

}  // namespace

Result<ServerProcess> ServerProcess::start(std::vector<std::string> command) {
  os::ChildOptions options;
  options.command = std::move(command);
  auto child = os::ChildProcess::start(options);
  if (!child) return fail(child);
  const auto line = child->read_line(kStartTimeoutMs);
  if (!line) return fail(line);
  const auto said = Value::parse(line->value_or(""));
  const std::int64_t port = said ? (*said)["port"].as_integer() : 0;
  if (port <= 0) {
    return fail(ErrorCode::unavailable,
                options.command.front() +
                    " did not say where it listens; it printed: " + line->value_or("nothing"));
  }
  return ServerProcess(std::move(*child), static_cast<std::uint16_t>(port));
}

Result<ServerProcess> ServerProcess::tombolo(const std::string& binary, const std::string& file) {
  return start(
      {binary, "serve", "--json", "--port", "0", "--database", file, "--log-level", "error"});
}

ServerProcess::~ServerProcess() {
  if (process_.process_id() > 0) process_.stop(SIGTERM, kStopTimeoutMs);
}

Result<void> ServerProcess::stop() {
  const os::ExitStatus status = process_.stop(SIGTERM, kStopTimeoutMs);
  if (status.exit_code == 0) return {};
  return fail(ErrorCode::internal, "the server " + status.text());
}

}  // namespace tombolo::bench
