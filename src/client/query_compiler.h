// Queries as SQL over `records`.
//
// A collection's key stands in the SQL as a number, not as a parameter, because SQLite uses a
// partial index only where it can prove the index's condition, which names the collection.
// Comparisons never cross types although SQLite's do: numbers sort before all texts there, so a
// range over numbers also ends at the first text, and booleans, which SQLite reads as 0 and 1, are
// told apart by json_type.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/uuid.h"
#include "store/statement.h"

#include "tombolo/query.h"
#include "tombolo/result.h"

namespace tombolo::client {

// A canonical UUID is bound as its bytes, as ids are stored.
using Parameter = std::variant<std::int64_t, double, std::string, UuidBytes>;

struct CompiledQuery {
  std::string where;               // "collection_key = 7 AND deleted = 0 AND ..."
  std::string order;               // " ORDER BY ..."
  std::string limit;               // " LIMIT ..."; empty: no limit
  std::vector<std::string> sorts;  // the expressions of `order`, less record_key behind them
  std::vector<Parameter> parameters;

  // `columns` of the answer, e.g. "id, data".
  std::string select(const std::string& columns) const {
    return "SELECT " + columns + " FROM records WHERE " + where + order + limit;
  }
  // The same of the first `count` records, whatever the limit.
  std::string select_first(const std::string& columns, std::int64_t count) const {
    return "SELECT " + columns + " FROM records WHERE " + where + order + " LIMIT " +
           std::to_string(count);
  }
  // The same of those among some records, whatever the limit. Their keys are one parameter behind
  // the others, a JSON array; they are looked up one by one, whatever indexes there are.
  std::string select_among(const std::string& columns) const {
    return "SELECT " + columns +
           " FROM records NOT INDEXED WHERE record_key IN (SELECT value FROM json_each(?" +
           std::to_string(parameters.size() + 1) + ")) AND " + where + order;
  }
  std::string count() const { return "SELECT count(*) FROM records WHERE " + where; }
};

// Error: invalid_argument.
Result<CompiledQuery> compile(std::int64_t collection_key, const QuerySpecification& query);

// Binds the parameters, from 1 on. They must live until the statement is reset.
void bind_parameters(store::Statement& statement, const std::vector<Parameter>& parameters);

// The SQL that makes index `index_key` over `fields`.
Result<std::string> index_sql(std::int64_t index_key, std::int64_t collection_key,
                              const std::vector<std::string>& fields);

}  // namespace tombolo::client
