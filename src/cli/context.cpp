#include "cli/context.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "cli/table.h"
#include "os/environment.h"
#include "os/files.h"

namespace tombolo::cli {

namespace {

constexpr int kUnlimitedColumns = 1'000'000;

// Why standard output does not take what is written to it: errno, 0 as long as it does.
std::atomic<int> output_error = 0;

void write_all(FILE* file, std::string_view text) {
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  if (!is_written && file == stdout) output_error = errno;
}

// Without control characters, by which a text from elsewhere could move the cursor of whoever looks
// at it; the ends of lines stay.
std::string printable(std::string_view text) {
  std::string lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines += cell_text(Value(text.substr(0, end)));
    if (end == std::string_view::npos) return lines;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string named_database(const Arguments& arguments) {
  if (const auto given = arguments.value("--db")) return *given;
  const auto variable = os::environment_variable("TOMBOLO_DB");
  return variable && !variable->empty() ? *variable : "tombolo.db";
}

}  // namespace

Context::Context(const Command& command, const Arguments& arguments)
    : command_(command),
      json_(arguments.has("--json")),
      terminal_(os::is_terminal(1)),
      color_(terminal_ && !json_ && !os::environment_variable("NO_COLOR")),
      columns_(terminal_ ? os::terminal_columns(1) : kUnlimitedColumns),
      database_path_(named_database(arguments)) {}

void Context::print(std::string_view text) const {
  write_all(stdout, text);
}

void Context::print_line(std::string_view text) const {
  write_all(stdout, std::string(text) + "\n");
}

void Context::print_json(const Value& value) const {
  print_line(value.to_json());
}

bool Context::has_lost_output() {
  return output_error != 0;
}

int Context::lost_output() const {
  // Who stops reading, as `head` does, wants no more and knows it.
  if (output_error == EPIPE) return kFailure;
  return failure(
      {ErrorCode::storage, "cannot write the output: " + std::string(std::strerror(output_error))});
}

void Context::note(std::string_view text) const {
  if (!json_) write_all(stderr, std::string(text) + "\n");
}

int Context::failure(const Error& error) const {
  if (json_) {
    const Value line = {{"error", {{"code", name_of(error.code)}, {"message", error.message}}}};
    write_all(stderr, line.to_json() + "\n");
  } else {
    write_all(stderr, "tombolo " + command_.name + ": " + printable(error.message) + "\n");
  }
  return kFailure;
}

int Context::misuse(std::string_view what) const {
  if (json_) {
    const Value line = {{"error", {{"code", "usage"}, {"message", what}}}};
    write_all(stderr, line.to_json() + "\n");
  } else {
    write_all(stderr, "tombolo " + command_.name + ": " + printable(what) + "\n" +
                          usage_line(command_) + "\nMore: tombolo " + command_.name + " --help\n");
  }
  return kUsage;
}

Result<Database> Context::open_database(Missing missing) const {
  const bool existed = os::path_exists(database_path_);
  if (!existed && missing == Missing::refuse) {
    return fail(ErrorCode::not_found,
                "there is no database " + database_path_ +
                    "; name one with --db or TOMBOLO_DB, or make one by `tombolo create`, "
                    "`import` or `sync`");
  }
  OpenOptions options;
  options.create = missing == Missing::create;
  auto database = Database::open(database_path_, options);
  if (database && !existed) note("made the database " + database_path_);
  return database;
}

std::string styled(bool color, std::string_view style, std::string_view text) {
  if (!color) return std::string(text);
  return "\033[" + std::string(style) + "m" + std::string(text) + "\033[0m";
}

std::string grouped_number(std::int64_t number) {
  std::string digits = std::to_string(number);
  const int first = digits[0] == '-' ? 1 : 0;
  for (int place = static_cast<int>(digits.size()) - 3; place > first; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

std::string counted(std::int64_t count, std::string_view noun) {
  return grouped_number(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string time_text(std::int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace tombolo::cli
