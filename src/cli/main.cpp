// The `tombolo` program: the server and the commands on a local database.
#include "cli/program.h"

int main(int count, char** words) {
  return tombolo::cli::run_program(std::vector<std::string>(words + 1, words + count));
}
