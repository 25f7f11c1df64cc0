// Records in a local database, written the same way by all benchmarks that need some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {

// The sample records first..end-1, made before a clock starts.
std::vector<Object> make_records(std::int64_t first, std::int64_t end);

// Creates records in the collection "todos", 1,000 in a transaction, and adds their ids to `ids`.
Result<void> create_records(Database& database, std::vector<Object> records,
                            std::vector<std::string>* ids = nullptr);

}  // namespace tombolo::bench
