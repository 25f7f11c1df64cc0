// The server's database file. Rowid tables in arrival order with few, small indexes: the cost of a
// durable write is the pages that it touches.
#pragma once

#include "store/migrations.h"

namespace tombolo::server {

// Positions in `operations`: the bucket's key and the delivery sequence in one integer, so that
// delivery in order needs no index of its own.
inline constexpr int kSequenceBits = 36;
inline constexpr std::int64_t kMaxBucketKey = (std::int64_t{1} << (63 - kSequenceBits)) - 1;

const store::Schema& server_schema();

}  // namespace tombolo::server
