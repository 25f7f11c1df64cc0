// Filters of Kinto's list endpoints ("?field=value", "?min_field=value"): what they compare and
// how.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_object.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

enum class FilterOperator {
  equal,
  not_equal,
  less,      // lt
  at_most,   // max
  at_least,  // min
  greater,   // gt
  in,
  exclude,
  like,
  has,
  contains,
  contains_any,
};

struct Filter {
  FilterOperator comparison = FilterOperator::equal;
  std::string field;     // a dotted path, unless
  bool literal = false;  // it is one key as it stands, which no path can name
  // An array for in, exclude, contains and contains_any; a boolean for has; a string for like.
  Value value;
};

// Whether the object passes the filter. A missing field is highest for the order operators.
bool matches(const Filter& filter, const ObjectView& view);
bool matches(const std::vector<Filter>& filters, const ObjectView& view);

// Whether the filter can be answered from id, last_modified and deleted alone.
bool concerns_only_metadata(const Filter& filter);

// The order of JSON values in filters and sorting: null < string < number < boolean < array <
// object; arrays and objects first by size. A null pointer is a missing value, the highest.
std::weak_ordering compare_values(const Value* left, const Value* right);

// Case-insensitive match of `text` with `pattern`, where "*" and "%" stand for any text and "_" for
// one character; a pattern without "*" is looked for anywhere in the text.
bool is_like(std::string_view text, std::string_view pattern);

}  // namespace tombolo::protocol::kinto
