// The answer of a live query as its observer knows it, and how it becomes that of a later commit:
// by running the query again, or by looking only at the records that changed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/query_compiler.h"
#include "client/query_window.h"
#include "client/reader_pool.h"

#include "tombolo/live_query.h"
#include "tombolo/query.h"
#include "tombolo/result.h"

namespace tombolo::client {

// `read` stands on one snapshot during a call. Every call adds to `changes` what is different from
// the answer before. After an error the query must run again.
class LiveAnswer {
 public:
  explicit LiveAnswer(QuerySpecification query);

  Result<void> rerun(const ReadConnection& read, std::int64_t collection_key, Changes& changes);

  // For when no record but those of `keys` (sorted, each once) can have changed since the last
  // call. False: they do not tell the answer, and the query must run again; only a query with a
  // limit or an offset is ever in that case.
  Result<bool> recheck(const ReadConnection& read, std::int64_t collection_key,
                       std::span<const std::int64_t> keys, Changes& changes);

 private:
  struct Known {
    std::string id;
    std::int64_t revision = 0;
  };
  using Answer = std::unordered_map<std::int64_t, Known>;  // by record key

  Result<const CompiledQuery*> compiled(std::int64_t collection_key);
  Result<void> rerun_all(const ReadConnection& read, const CompiledQuery& query, Changes& changes);
  Result<void> recheck_some(const ReadConnection& read, const CompiledQuery& query,
                            std::span<const std::int64_t> keys, const std::string& keys_json,
                            Changes& changes);
  Result<void> compare_window(const ReadConnection& read, Changes& changes);
  Result<Answer> read_rows(store::Statement& select, Changes& changes);
  std::vector<Record>* place_for(std::int64_t key, const std::string& id, std::int64_t revision,
                                 Changes& changes);
  void replace_known(Answer&& answer, Changes& changes);

  const QuerySpecification query_;
  std::int64_t compiled_for_ = -1;  // a collection's key
  CompiledQuery compiled_;
  Answer known_;
  std::optional<QueryWindow> window_;
};

}  // namespace tombolo::client
