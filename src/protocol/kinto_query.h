// The query string of Kinto's endpoints: typed values, filters, sorting, projection, paging.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_error.h"
#include "protocol/kinto_filter.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

struct Parameter {
  std::string name;
  std::string value;
};

// Splits and decodes a query string. Refuses text that is not UTF-8.
Checked<std::vector<Parameter>> parse_query_string(std::string_view query);

// A value as Kinto types it: JSON where the text is JSON (10, true, "10", [1]), else the text.
Value typed_value(std::string_view text);

struct SortField {
  std::string field;  // may be a dotted path
  bool descending = false;

  friend bool operator==(const SortField&, const SortField&) = default;
};

// What a list endpoint is asked for.
struct ListQuery {
  // Filters on last_modified, as bounds: after < last_modified < before.
  std::int64_t after = std::numeric_limits<std::int64_t>::min();
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  std::vector<Filter> filters;        // the others; an object must pass them all
  bool includes_tombstones = false;   // a filter mentions last_modified
  std::vector<SortField> sort;        // never empty; last_modified is in it
  std::vector<std::string> fields;    // empty: whole objects
  std::optional<std::int64_t> limit;  // 0 counts as absent
  std::optional<std::string> token;   // where to go on
  bool uses_deprecated_to = false;    // "_to" was used instead of "_before"

  // Newest first and nothing else: the order in which lists are kept.
  bool is_newest_first() const;
  // Whether filters, order or projection need the fields of the objects.
  bool needs_data() const;
};

// `now_ms` bounds what counts as a timestamp (less than a day ahead).
Checked<ListQuery> parse_list_query(const std::vector<Parameter>& parameters, std::int64_t now_ms);

// The _fields of an object endpoint; empty when there are none.
std::vector<std::string> parse_fields(const std::vector<Parameter>& parameters);

// DELETE of an object: ?last_modified=, as an integer or as a quoted one.
Checked<std::optional<std::int64_t>> parse_forced_timestamp(
    const std::vector<Parameter>& parameters);

}  // namespace tombolo::protocol::kinto
