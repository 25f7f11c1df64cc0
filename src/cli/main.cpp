// The `tombolo` program: the server and the commands on a local database.
#include "cli/program.h"
#include "store/connection.h"

int main(int count, char** words) {
  tombolo::store::count_no_memory();
  return tombolo::cli::run_program(std::vector<std::string>(words + 1, words + count));
}
