// How lists compare JSON values, as functions of SQL: the total order null < text < number <
// boolean < array < object < missing, equality that is strict about types and indifferent to the
// order of members, containment and patterns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/connection.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::server {

// Bytes that sort (memcmp) as the values do, and are equal exactly when the values are equal. Null
// (a pointer) is a missing value.
std::string order_key(const Value* value);

// Whether `text` matches `pattern` ('%' any text, '_' any character), ignoring case.
bool matches_pattern(std::string_view text, std::string_view pattern);

// Whether array `value` contains `wanted` (or every element of an array `wanted`). An object is
// contained in one that has at least its members.
bool contains_value(const Value& value, const Value& wanted);
bool contains_any_value(const Value& value, const Array& wanted);

// Defines json_order(json), json_like(json, pattern), json_contains(json, wanted),
// json_contains_any(json, wanted) and json_member(json, key) for the connection. `json` null is a
// missing value.
Result<void> define_value_functions(store::Connection& connection);

}  // namespace tombolo::server
