// Words of a command line that speak of records: "name=Ladin" and JSON objects as fields,
// "speakers>1000" as a condition, "-speakers" as an order.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tombolo/query.h"
#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

// JSON when the text is JSON, else the text itself: 31000 is a number, true a boolean, Ladin and
// "31000" (with its quotes) are texts.
Value typed_value(std::string_view text);

// The fields of one record from words of the form name=value and JSON objects, later ones over
// earlier ones. "-" reads a JSON object from standard input. Error: invalid_argument, saying which
// word is neither.
Result<Object> read_fields(std::span<const std::string> words);

// "speakers>1000", "scope=I", "name^=La" (starts with), "type in L,H"; the comparisons are
// = != < <= > >= ^= in. Error: invalid_argument.
Result<QuerySpecification::Filter> read_condition(std::string_view text);

// "name" or "-speakers" (descending).
QuerySpecification::Sort read_order(std::string_view text);

}  // namespace tombolo::cli
