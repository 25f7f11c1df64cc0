// An object of Kinto's API as filters, sorting and projection see it: its own fields, and the ones
// that the server keeps beside them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

inline constexpr std::string_view kIdField = "id";
inline constexpr std::string_view kModifiedField = "last_modified";
inline constexpr std::string_view kDeletedField = "deleted";

struct ObjectView {
  Value id;                      // a string
  Value last_modified;           // an integer
  bool deleted = false;          // a tombstone: it has no fields of its own
  const Object* data = nullptr;  // null for a tombstone
};

// The value at a dotted path ("address.city"), or null (a pointer) when there is none. A key that
// contains the dots literally is found before a nested one, the longest first.
const Value* find_path(const Object& object, std::string_view path);

// The same in an object with its id, last_modified and deleted. The pointer may point into `view`.
const Value* find_field(const ObjectView& view, std::string_view field);

// The JSON text of an object from the stored text of its own fields ("{...}"), without a tree.
void append_object_text(std::string& out, std::string_view data_text, std::string_view id,
                        std::int64_t last_modified);
void append_tombstone_text(std::string& out, std::string_view id, std::int64_t last_modified);

}  // namespace tombolo::protocol::kinto
