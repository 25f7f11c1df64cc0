// Every command that `tombolo` has, one function each.
#pragma once

#include <vector>

#include "cli/command.h"

namespace tombolo::cli {

Command create_command();
Command get_command();
Command patch_command();
Command update_command();
Command increment_command();
Command rm_command();

Command list_command();
Command query_command();
Command watch_command();
Command index_command();

Command import_command();
Command export_command();

Command sync_command();
Command status_command();
Command losses_command();
Command dead_letters_command();
Command operations_command();

Command shell_command();
Command serve_command();
Command demo_command();

// In the order of the overview.
std::vector<Command> all_commands();

}  // namespace tombolo::cli
