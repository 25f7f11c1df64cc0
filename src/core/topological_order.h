// The order in which operations are sent: dependencies first, otherwise by timestamp (Kora protocol
// section 4).
#pragma once

#include <span>
#include <vector>

#include "core/operation.h"

namespace tombolo::core {

// Indexes into `operations`, such that what is named in causal_dependencies and is in the set comes
// first, and of those that are ready the smallest timestamp. Fails with invalid_data on a cycle.
Result<std::vector<std::size_t>> topological_order(std::span<const Operation> operations);

}  // namespace tombolo::core
