// Filters of Kinto's list endpoints ("?field=value", "?min_field=value"): what they compare and
// how.
#pragma once

#include <string>

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

// Whether the filter can be answered from id, last_modified and deleted alone.
bool concerns_only_metadata(const Filter& filter);

}  // namespace tombolo::protocol::kinto
