// Runs a fuzz target over kept cases: every file in the folders given.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "target.h"

int main(int argument_count, char** arguments) {
  int cases = 0;
  for (int i = 1; i < argument_count; ++i) {
    if (!std::filesystem::is_directory(arguments[i])) continue;  // nothing was found yet
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++cases;
    }
  }
  const std::string none;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(none.data()), 0);
  std::printf("%d cases\n", cases);
  return 0;
}
