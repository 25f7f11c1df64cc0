// Lists and counts over the log, for those who ask how a database stands.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "client/reader_pool.h"

#include "tombolo/database.h"
#include "tombolo/result.h"

namespace tombolo::client {

Result<std::vector<CollectionInfo>> read_collections(const ReadConnection& read);

Result<std::vector<OperationInfo>> read_operations(const ReadConnection& read, std::int64_t limit,
                                                   std::string_view collection,
                                                   std::string_view record);

// Everything of DatabaseStatus but the states of connections; remotes come as offline.
Result<DatabaseStatus> read_status(const ReadConnection& read);

// Operations that the remote has not acknowledged, whether there are any at the positions from
// after + 1 to `upto`, and how many it refused.
Result<std::int64_t> count_pending(const ReadConnection& read, std::int64_t remote_bit);
Result<bool> has_pending(const ReadConnection& read, std::int64_t remote_bit, std::int64_t after,
                         std::int64_t upto);
Result<std::int64_t> count_dead_letters(const ReadConnection& read, std::int64_t remote_key);

Result<std::int64_t> newest_position(const ReadConnection& read);  // of an operation; 0: none

}  // namespace tombolo::client
