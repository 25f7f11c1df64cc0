// What a list is asked for: a structured query that every storage back end compiles for itself
// (Kinto API 1.23, "filtering", "sorting", "pagination"; comparisons as on its PostgreSQL back
// end).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/resource.h"
#include "server/storage/permission_set.h"

#include "tombolo/value.h"

namespace tombolo::server {

enum class FilterOperator {
  equal,         // JSON equality, type-strict; a missing field does not match
  not_equal,     // a missing field matches
  less,          // "lt"; order: null < text < number < boolean < array < object < missing
  at_most,       // "max"
  at_least,      // "min"
  greater,       // "gt"
  in,            // value: array of alternatives
  exclude,       // value: array; a missing field matches
  like,          // value: text; ignores case, '*' is any text, without '*': contains
  has,           // value: boolean; whether the field is there (null counts as there)
  contains,      // the field is an array that contains the value, or all of a value array
  contains_any,  // value: array; the field is an array that shares an element
};

struct Filter {
  std::string field;  // dots lead into objects; "id", "last_modified" and "deleted" are built in
  FilterOperator op = FilterOperator::equal;
  Value value;
  // The field is one key, dots included ("a field whose name cannot be a path").
  bool literal = false;
};

struct SortKey {
  std::string field;  // dots lead into objects; "id" and "last_modified" are built in
  bool descending = false;
};

// Where the last page ended: the values of the sort keys of its last object (nothing: the field was
// missing) and, as the last word among equals, its key. A position without a key skips equals.
struct ListPosition {
  std::vector<std::optional<Value>> values;  // as many as sort keys
  std::optional<std::int64_t> object_key;
};

struct ListQuery {
  ListPath list;
  std::optional<std::int64_t> since;   // last_modified > since
  std::optional<std::int64_t> before;  // last_modified < before
  bool include_tombstones = false;
  std::vector<Filter> filters;  // all must match, tombstones included
  std::vector<SortKey> sort;    // empty: newest first
  std::optional<ListPosition> after;
  std::optional<std::int64_t> limit;  // objects; a page asks for one more than it shows
  // Only objects with one of these permission sets (and no tombstones of others). Nothing: all.
  std::optional<std::vector<PermissionsKey>> visible;
};

}  // namespace tombolo::server
