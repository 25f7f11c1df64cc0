// The records in a file: a JSON array of objects, JSON lines, or an object with exactly one array
// in it, such as the {"639-3": [...]} of Debian's iso-codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

// `source` is named in errors. The value of `id_field` becomes the "id" of each record that has it
// (a number as its digits). Error: invalid_data, with the line or the element that is wrong.
Result<std::vector<Object>> read_records(std::string_view text, const std::string& source,
                                         const std::string& id_field);

}  // namespace tombolo::cli
