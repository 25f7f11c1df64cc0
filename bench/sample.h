// The record that all benchmarks write.
#pragma once

#include <cstdint>
#include <string>

#include "tombolo/value.h"

namespace tombolo::bench {

// A todo-like record of about 200 bytes.
Object sample_record(std::int64_t index);

// The first 50 records belong to the first owner, and so on: a query by owner finds 50 records
// however many there are.
inline constexpr std::int64_t kRecordsPerOwner = 50;
std::string owner_name(std::int64_t owner);

}  // namespace tombolo::bench
