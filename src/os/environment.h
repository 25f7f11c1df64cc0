// What the process was started with.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tombolo::os {

// The value of an environment variable; none when it is not set.
std::optional<std::string> environment_variable(const std::string& name);

// Every variable whose name starts with `prefix`, sorted by name: {"TOMBOLO_PORT", "8888"}.
std::vector<std::pair<std::string, std::string>> environment_with_prefix(const std::string& prefix);

// Whether the descriptor (0 input, 1 output, 2 errors) is a terminal where a person looks.
bool is_terminal(int descriptor);

// Columns of the terminal behind the descriptor; 80 when it is none.
int terminal_columns(int descriptor);

int process_id();

// The file that this process runs; empty where the system does not tell.
std::string program_path();

}  // namespace tombolo::os
