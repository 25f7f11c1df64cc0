// Compiles a ListQuery to SQL over the table `objects`.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "server/storage/list_query.h"
#include "store/statement.h"

namespace tombolo::server {

// The order key of a JSON value, or a stored UUID: bound as a blob.
struct BlobParameter {
  std::string bytes;
};
using SqlParameter = std::variant<std::int64_t, std::string, BlobParameter>;

struct CompiledQuery {
  std::string sql;
  std::vector<SqlParameter> parameters;  // from ?1 on
};

// Rows: object_key, id, last_modified, state, data, permissions_key.
CompiledQuery compile_list(const ListQuery& query, std::int64_t list_key);
// One row: how many match, without regard to `after` and `limit`.
CompiledQuery compile_count(const ListQuery& query, std::int64_t list_key);

// `query` must live until the statement is reset.
void bind_parameters(store::Statement& statement, const CompiledQuery& query);

}  // namespace tombolo::server
