// Lists of seeds: one a line; what follows a '#' is why it is there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::sim {

Result<std::vector<std::uint64_t>> read_seeds(const std::string& path);

}  // namespace tombolo::sim
