#include "cli/program.h"

#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace tombolo::cli {

namespace {

const Command* find_command(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

int unknown_command(const std::vector<Command>& commands, const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string nearest = nearest_name(name, names);
  std::fputs(
      ("tombolo: there is no command \"" + name + "\"" +
       (nearest.empty() ? "" : "; did you mean " + nearest + "?") + "\nMore: tombolo --help\n")
          .c_str(),
      stderr);
  return kUsage;
}

int run_command(const Command& command, const std::vector<std::string>& words) {
  const Result<Arguments> arguments = parse_arguments(command, words);
  if (!arguments) {
    Arguments rest;
    if (std::ranges::find(words, "--json") != words.end()) rest.add("--json", "");
    return Context(command, rest).misuse(arguments.error().message);
  }
  if (arguments->has("--help")) {
    std::fputs(help_text(command).c_str(), stdout);
    return kSuccess;
  }
  Context context(command, *arguments);
  const int exit_code = command.run(context, *arguments);
  return exit_code == kSuccess && Context::has_lost_output() ? context.lost_output() : exit_code;
}

}  // namespace

std::vector<Command> all_commands() {
  return {create_command(),     get_command(),    patch_command(),  update_command(),
          increment_command(),  rm_command(),     list_command(),   query_command(),
          watch_command(),      index_command(),  import_command(), export_command(),
          sync_command(),       status_command(), losses_command(), dead_letters_command(),
          operations_command(), shell_command(),  serve_command(),  demo_command()};
}

int run_program(const std::vector<std::string>& words) {
  const std::vector<Command> commands = all_commands();
  if (words.empty()) {
    std::fputs(overview_text(commands).c_str(), stderr);
    return kUsage;
  }
  const std::string& name = words[0];
  if (name == "--version" || name == "version") {
    std::fputs("tombolo " TOMBOLO_VERSION "\n", stdout);
    return kSuccess;
  }
  if (name == "--help" || name == "-h" || (name == "help" && words.size() == 1)) {
    std::fputs(overview_text(commands).c_str(), stdout);
    return kSuccess;
  }
  if (name == "help") {
    const Command* command = find_command(commands, words[1]);
    return command != nullptr ? run_command(*command, {"--help"})
                              : unknown_command(commands, words[1]);
  }
  const Command* command = find_command(commands, name);
  if (command == nullptr) return unknown_command(commands, name);
  return run_command(*command, {words.begin() + 1, words.end()});
}

}  // namespace tombolo::cli
