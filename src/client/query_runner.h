// Runs queries on a connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/reader_pool.h"

#include "tombolo/query.h"
#include "tombolo/record.h"
#include "tombolo/result.h"

namespace tombolo::client {

// A collection_key of 0 names a collection that does not exist: it has no records.

Result<std::optional<Record>> find_record(const ReadConnection& read, std::int64_t collection_key,
                                          std::string_view id);

Result<void> for_each_record(const ReadConnection& read, std::int64_t collection_key,
                             const QuerySpecification& query,
                             const std::function<bool(const Record&)>& visit);

Result<std::int64_t> count_records(const ReadConnection& read, std::int64_t collection_key,
                                   const QuerySpecification& query);

Result<std::string> explain_query(const ReadConnection& read, std::int64_t collection_key,
                                  const QuerySpecification& query);

}  // namespace tombolo::client
