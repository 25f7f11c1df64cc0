// The first records of a query's order, kept up to date from the records that change: enough to
// know the window that a limit and an offset cut out of it.
//
// What is kept is the beginning of the order, without a gap: every record that matches and stands
// at or before the end of what is kept is there. It has some records in reserve behind the window,
// so that the query need not run again whenever one leaves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/query_compiler.h"
#include "client/reader_pool.h"
#include "client/sort_position.h"

#include "tombolo/query.h"
#include "tombolo/result.h"

namespace tombolo::client {

struct PlacedRecord {
  SortPosition place;
  std::int64_t revision = 0;
  std::string id;
};

class QueryWindow {
 public:
  // A query with a limit, an offset or both.
  explicit QueryWindow(const QuerySpecification& query);

  // Runs the query.
  Result<void> rerun(const ReadConnection& read, const CompiledQuery& query);

  // Looks at the records that may have changed since: `keys`, as a JSON array in `keys_json` too.
  // False: they do not tell which records have moved up into the window. After that, or an error,
  // the query must run again.
  Result<bool> recheck(const ReadConnection& read, const CompiledQuery& query,
                       std::span<const std::int64_t> keys, const std::string& keys_json);

  std::span<const PlacedRecord> answer() const;

 private:
  Result<std::vector<PlacedRecord>> read_rows(store::Statement& select, const CompiledQuery& query);
  void trim();

  const SortOrder order_;
  const std::size_t offset_;
  const std::size_t end_;      // the place behind the window
  const std::size_t reserve_;  // records behind it that are worth keeping
  std::vector<PlacedRecord> records_;
  bool complete_ = false;  // all that match are kept
  SortPosition last_;      // unless complete: up to here they are
};

}  // namespace tombolo::client
