// Records in a local database, written the same way by all benchmarks that need some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {

// Creates the sample records first..end-1 in the collection "todos", 1,000 in a transaction, and
// adds their ids to `ids`.
Result<void> create_records(Database& database, std::int64_t first, std::int64_t end,
                            std::vector<std::string>* ids = nullptr);

}  // namespace tombolo::bench
