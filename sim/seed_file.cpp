#include "sim/seed_file.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "os/files.h"

namespace tombolo::sim {

Result<std::vector<std::uint64_t>> read_seeds(const std::string& path) {
  const auto text = os::read_file(path);
  if (!text) return fail(text);
  std::vector<std::uint64_t> seeds;
  std::istringstream lines(*text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.erase(std::min(line.find('#'), line.size()));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.empty()) continue;
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seed);
    if (error != std::errc() || end != line.data() + line.size()) {
      return fail(ErrorCode::invalid_data,
                  path + " line " + std::to_string(number) + ": \"" + line + "\" is no seed");
    }
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace tombolo::sim
