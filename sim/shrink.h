// Looks for a smaller world in which the same thing goes wrong.
#pragma once

#include <string>

#include "sim/plan.h"

namespace tombolo::sim {

// Takes away whoever and whatever is not needed for a finding of `checker`. Runs many worlds.
Plan shrink(Plan plan, const std::string& checker);

}  // namespace tombolo::sim
