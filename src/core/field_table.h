// The fields of a record while its operations are replayed: what each holds, and who wrote it last.
//
// Fields keep the order in which they came; one that goes and comes back stands at the end. Every
// step costs the logarithm of the number of fields at most.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/operation.h"

namespace tombolo::core {

class FieldTable {
 public:
  struct Field {
    std::string name;
    std::optional<Value> value;  // nothing: the record has no such field now
    std::size_t place = 0;       // among those that have a value
    // The last write; nothing for what came with the base, or was never written.
    const Operation* writer = nullptr;
    std::optional<AtomicKind> atomic;

    const Value* current() const { return value ? &*value : nullptr; }
  };

  FieldTable(const Object& fields, const Operation* writer);

  // The field of that name, added without a value when there is none. Stays where it is until the
  // table goes.
  Field& field(std::string_view name);
  Field* find(std::string_view name);

  void set(Field& field, Value value);
  static void erase(Field& field) { field.value.reset(); }

  // All that were ever there, in no order that matters.
  const std::deque<Field>& all() const { return fields_; }

  // Those that have a value, in their order.
  Object object() const;

 private:
  Field& add(std::string_view name);

  std::deque<Field> fields_;
  std::map<std::string_view, Field*> by_name_;  // of all, once there are many
  std::size_t next_place_ = 0;
};

}  // namespace tombolo::core
