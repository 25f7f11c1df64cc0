#include "cli/command.h"
#include "cli/serve_command.h"

namespace tombolo::cli {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_serve_command());
  return commands;
}

}  // namespace tombolo::cli
