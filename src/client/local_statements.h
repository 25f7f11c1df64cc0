// The statements of the write path, prepared once per Database.
#pragma once

#include <cstddef>
#include <vector>

#include "store/statement.h"

#include "tombolo/result.h"

namespace tombolo::client {

enum class Sql : std::size_t {
  read_state,
  write_state,
  find_record,
  insert_record,
  update_record,
  update_record_keeping_base,
  insert_operation,
  operations_of_record,
  operations_at_stamp,
  acknowledge_at,
  find_node,
  insert_node,
  node_of_key,
  raise_seen,
  read_collection_totals,
  write_collection_totals,
  count,
};

class LocalStatements {
 public:
  static Result<LocalStatements> prepare(store::Connection& connection);
  store::Statement& operator[](Sql name) { return statements_[static_cast<std::size_t>(name)]; }

 private:
  std::vector<store::Statement> statements_;
};

}  // namespace tombolo::client
