// The rules of Kinto's filters and sorting, written down without any database: what the storage's
// SQL is held against.
#pragma once

#include <compare>
#include <string_view>
#include <vector>

#include "protocol/kinto_filter.h"
#include "protocol/kinto_object.h"

#include "tombolo/value.h"

namespace tombolo::kinto_cases {

using protocol::kinto::Filter;
using protocol::kinto::FilterOperator;
using protocol::kinto::ObjectView;

// Whether the object passes the filter. A missing field is highest for the order operators.
bool matches(const Filter& filter, const ObjectView& view);
bool matches(const std::vector<Filter>& filters, const ObjectView& view);

// The order of JSON values in filters and sorting: null < string < number < boolean < array <
// object; arrays and objects first by size. A null pointer is a missing value, the highest.
std::weak_ordering compare_values(const Value* left, const Value* right);

// Case-insensitive match of `text` with `pattern`, where "*" and "%" stand for any text and "_" for
// one character; a pattern without "*" is looked for anywhere in the text.
bool is_like(std::string_view text, std::string_view pattern);

}  // namespace tombolo::kinto_cases
