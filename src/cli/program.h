// The whole program behind main(): finds the command that the words name and runs it.
#pragma once

#include <string>
#include <vector>

namespace tombolo::cli {

// `words` without the program's name. Gives the process's exit code (command.h).
int run_program(const std::vector<std::string>& words);

}  // namespace tombolo::cli
