#include "core/field_table.h"

#include <algorithm>
#include <vector>

#include "core/name_lookup.h"

namespace tombolo::core {

FieldTable::FieldTable(const Object& fields, const Operation* writer) {
  for (const Member& member : fields) {
    Field& field = add(member.key);
    field.writer = writer;
    set(field, member.value);
  }
}

FieldTable::Field* FieldTable::find(std::string_view name) {
  if (!by_name_.empty()) {
    const auto found = by_name_.find(name);
    return found != by_name_.end() ? found->second : nullptr;
  }
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& field) { return field.name == name; });
  return found != fields_.end() ? &*found : nullptr;
}

FieldTable::Field& FieldTable::field(std::string_view name) {
  Field* const known = find(name);
  return known != nullptr ? *known : add(name);
}

FieldTable::Field& FieldTable::add(std::string_view name) {
  Field& field = fields_.emplace_back();
  field.name = name;
  if (!by_name_.empty()) {
    by_name_.emplace(field.name, &field);
  } else if (fields_.size() > kFewNames) {
    for (Field& one : fields_) by_name_.emplace(one.name, &one);
  }
  return field;
}

void FieldTable::set(Field& field, Value value) {
  if (!field.value) field.place = next_place_++;
  field.value = std::move(value);
}

Object FieldTable::object() const {
  std::vector<const Field*> present;
  present.reserve(fields_.size());
  for (const Field& field : fields_) {
    if (field.value) present.push_back(&field);
  }
  std::sort(present.begin(), present.end(),
            [](const Field* left, const Field* right) { return left->place < right->place; });
  Object object;
  object.reserve(present.size());
  for (const Field* field : present) object.append_unchecked(field->name, *field->value);
  return object;
}

}  // namespace tombolo::core
