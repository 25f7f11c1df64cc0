// A record as it was when it was read: an id and a JSON object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tombolo/value.h"

namespace tombolo {

// A value: copy and move it freely. It is read from the database as text and taken apart at the
// first look into it, so one Record belongs to one thread at a time; give each thread a copy.
class Record {
 public:
  Record() = default;
  Record(std::string id, Object fields);

  // From the id and the JSON text of an object without it, as the database keeps them.
  static Record from_text(std::string id, std::string fields_json);

  const std::string& id() const { return id_; }

  // The value of a field; null when there is none. "id" gives the id.
  const Value& operator[](std::string_view field) const;

  // The fields in their order, without the id.
  const Object& fields() const;

  // {"id": ..., fields...} as a value and as JSON text.
  Object to_object() const;
  std::string to_json() const;

  friend bool operator==(const Record& left, const Record& right) {
    return left.id_ == right.id_ && left.fields() == right.fields();
  }

 private:
  std::string id_;
  std::string text_;                      // the object's JSON, when it came as text
  mutable std::optional<Object> fields_;  // taken apart
  mutable Value id_value_;                // for operator[]("id")
};

}  // namespace tombolo
