// `tombolo shell`: JSON lines in, JSON lines out, for programs that drive a database as a process.
#include <array>
#include <cerrno>
#include <mutex>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/shell_session.h"

namespace tombolo::cli {

namespace {

constexpr std::size_t kMostLine_bytes = std::size_t{64} << 20;

// Calls `handle` with each line of standard input until it ends. A line beyond the limit is dropped
// and `handle_excess` is called instead.
template <typename Handle, typename HandleExcess>
void read_lines(const Handle& handle, const HandleExcess& handle_excess) {
  std::string line;
  bool is_excess = false;
  std::array<char, 65536> piece{};
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (std::string_view rest(piece.data(), static_cast<std::size_t>(got)); !rest.empty();) {
      const std::size_t end = rest.find('\n');
      if (!is_excess) line += rest.substr(0, end);
      is_excess = is_excess || line.size() > kMostLine_bytes;
      if (is_excess) line.clear();
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
      is_excess ? handle_excess() : handle(line);
      line.clear();
      is_excess = false;
    }
  }
  if (!line.empty()) handle(line);
}

int run_shell(Context& context, const Arguments&) {
  const auto database = context.open_database(Context::Missing::create);
  if (!database) return context.failure(database.error());
  std::mutex mutex;
  const auto write_line = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    context.print_line(line);
  };
  ShellSession session(*database, write_line);
  read_lines(
      [&](const std::string& line) {
        if (line.find_first_not_of(" \t\r") != std::string::npos) session.handle(line);
      },
      [&] {
        const Value excess = {
            {"id", Value()},
            {"ok", false},
            {"error", {{"code", "limit_exceeded"}, {"message", "a line may have 64 MiB at most"}}}};
        write_line(excess.to_json());
      });
  return kSuccess;
}

}  // namespace

Command shell_command() {
  return {"shell",
          "Exchange",
          "read commands as JSON lines and answer as JSON lines, for programs",
          {},
          {},
          "A request is "
          "{\"id\":1,\"command\":\"get\",\"collection\":\"languages\",\"record_id\":\"lld\"}, its\n"
          "answer {\"id\":1,\"ok\":true,\"result\":{...}}; events come as {\"event\":...}. Ends "
          "with its\n"
          "input. docs/shell.md tells it all.",
          {"tombolo shell --json --db device-a.db"},
          run_shell};
}

}  // namespace tombolo::cli
