// Where a record stands in the order of a query, compared here as SQLite compares it there.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "store/statement.h"

#include "tombolo/query.h"

namespace tombolo::client {

// The value of a sort expression: null, a number or a text.
using SortValue = std::variant<std::monostate, std::int64_t, double, std::string>;

SortValue read_sort_value(const store::Row& row, int column);

// Below 0, 0, above 0. Null comes first, then numbers by their exact values, then texts by their
// bytes.
int compare(const SortValue& left, const SortValue& right);

struct SortPosition {
  std::vector<SortValue> values;
  std::int64_t record_key = 0;
};

// The order of a query: a total one, as record keys differ.
class SortOrder {
 public:
  explicit SortOrder(const QuerySpecification& query);

  bool before(const SortPosition& left, const SortPosition& right) const;

 private:
  std::vector<bool> descending_;
  bool keys_descend_ = false;  // as the last field does
};

}  // namespace tombolo::client
