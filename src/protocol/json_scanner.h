// Takes JSON text apart at its outermost level without building values, so that what only passes
// through (the operations of a batch) stays text.
//
// It checks the structure of that level alone: each part must still be read by a real parser before
// it is believed. Nesting costs no stack.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::protocol {

// A member of an object: its key, unescaped, and a view of the text of its value.
struct JsonMember {
  std::string key;
  std::string_view value;
};

// The members of the one object that `text` is, in their order. Fails with invalid_data and the
// byte offset when it is not an object, or breaks off.
Result<std::vector<JsonMember>> split_json_object(std::string_view text);

// The elements of the one array that `text` is.
Result<std::vector<std::string_view>> split_json_array(std::string_view text);

}  // namespace tombolo::protocol
