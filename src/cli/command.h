// A command of the program: what it takes from the command line, and what it does. Each stands in
// files of its own and is listed in commands.cpp; none sees the library that reads command lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tombolo::cli {

// Exit codes of the program.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;  // it was understood and did not work
inline constexpr int kExitUsage = 2;    // the command line makes no sense

// Collects what a command takes. Targets keep their value when the option is not given, and must
// live until the command has run.
class CommandLine {
 public:
  virtual ~CommandLine() = default;
  // `names`: "--port" or "-p,--port".
  virtual void flag(std::string_view names, bool& target, std::string_view help) = 0;
  virtual void option(std::string_view names, std::string& target, std::string_view help) = 0;
  virtual void option(std::string_view names, std::int64_t& target, std::string_view help) = 0;
  virtual void options(std::string_view names, std::vector<std::string>& target,
                       std::string_view help) = 0;  // may be repeated
  // Positional, in the order of the calls.
  virtual void argument(std::string_view name, std::string& target, std::string_view help,
                        bool required = true) = 0;
  virtual void arguments(std::string_view name, std::vector<std::string>& target,
                         std::string_view help, bool required = false) = 0;  // the rest
};

class Command {
 public:
  virtual ~Command() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view help() const = 0;  // one line
  virtual void describe(CommandLine& line) = 0;
  // Runs with what was given; the program's exit code. Answers on standard output, errors for
  // people on standard error.
  virtual int run() = 0;
};

// All commands, in the order of the help.
std::vector<std::unique_ptr<Command>> all_commands();

// Reads the command line and runs what it names.
int run_command_line(int argument_count, const char* const* arguments);

}  // namespace tombolo::cli
