// What may name a node, a collection or a record. Clients, servers and what one downloads from the
// other follow this one rule: what one side let into its log, the other must be able to take.
#pragma once

#include <cstddef>
#include <string_view>

#include "tombolo/result.h"

namespace tombolo::core {

// They are keys of indexes, and a page of an index must hold a few.
inline constexpr std::size_t kMaxNameBytes = 1'024;

// 1 to 1,024 bytes of UTF-8 without control characters (U+0000 to U+001F, U+007F). `what` says in
// the error what was to be named, e.g. "a record". Error: invalid_argument.
Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace tombolo::core
