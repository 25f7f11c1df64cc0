#include "cli/command.h"

int main(int argument_count, char** arguments) {
  return tombolo::cli::run_command_line(argument_count, arguments);
}
