// Checks what a caller gives against a collection's schema, before it becomes an operation.
#include <algorithm>

#include "core/schema.h"

namespace tombolo::core {
namespace {

std::string_view type_name(const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      return "null";
    case Value::Type::boolean:
      return "a boolean";
    case Value::Type::integer:
    case Value::Type::number:
      return "a number";
    case Value::Type::string:
      return "a string";
    case Value::Type::array:
      return "an array";
    case Value::Type::object:
      return "an object";
  }
  return "";
}

// What a value of this kind must be, when `value` is not; nothing when it is.
const char* expected(FieldKind kind, const Value& value) {
  switch (kind) {
    case FieldKind::any:
    case FieldKind::json:
      return nullptr;
    case FieldKind::string:
    case FieldKind::enumeration:
    case FieldKind::secret:
      return value.is_string() ? nullptr : "a string";
    case FieldKind::number:
      return value.is_number() ? nullptr : "a number";
    case FieldKind::timestamp:
      return value.is_number() ? nullptr : "a number (ms since 1970)";
    case FieldKind::boolean:
      return value.is_bool() ? nullptr : "a boolean";
    case FieldKind::array:
      return value.is_array() ? nullptr : "an array";
    case FieldKind::object:
      return value.is_object() ? nullptr : "an object";
    case FieldKind::richtext:
      return value.is_string() || value["$koraBytes"].is_string() ? nullptr : "text or its bytes";
    case FieldKind::blob:
      return value["hash"].is_string() ? nullptr : "a reference to a blob, with its hash";
  }
  return nullptr;
}

std::unexpected<Error> refuse(const CollectionSchema& schema, const std::string& field,
                              const std::string& problem) {
  return fail(ErrorCode::invalid_argument,
              "field \"" + field + "\" of collection \"" + schema.name + "\" " + problem);
}

Result<void> check_value(const CollectionSchema& schema, const std::string& path,
                         const FieldSchema& field, const Value& value) {
  if (const char* wanted = expected(field.kind, value)) {
    return refuse(schema, path,
                  "must be " + std::string(wanted) + ", not " + std::string(type_name(value)));
  }
  const auto& allowed = field.allowed_values;
  if (!allowed.empty() &&
      std::find(allowed.begin(), allowed.end(), value.as_string()) == allowed.end()) {
    std::string names;
    for (const std::string& name : allowed) names += (names.empty() ? "" : ", ") + name;
    return refuse(schema, path, "must be one of " + names + "; not " + value.to_json());
  }
  if (const Array* items = value.if_array()) {
    FieldSchema item;
    item.kind = field.item_kind;
    for (std::size_t index = 0; index < items->size(); ++index) {
      const std::string place = path + "[" + std::to_string(index) + "]";
      if (auto checked = check_value(schema, place, item, (*items)[index]); !checked) {
        return checked;
      }
    }
  }
  for (const FieldSchema& nested : field.nested) {
    const Value* member = value.if_object()->find(nested.name);
    const std::string place = path + "." + nested.name;
    if (member == nullptr && nested.required) return refuse(schema, place, "is required");
    if (member == nullptr) continue;
    if (auto checked = check_value(schema, place, nested, *member); !checked) return checked;
  }
  return {};
}

Result<void> check_given(const CollectionSchema& schema, const Object& data, bool null_allowed) {
  for (const Member& member : data) {
    const FieldSchema* field = schema.find(member.key);
    if (field == nullptr) {
      if (schema.closed) return refuse(schema, member.key, "is not in the schema");
      continue;
    }
    if (field->automatic) {
      return refuse(schema, member.key, "is filled in by the system and cannot be given");
    }
    if (null_allowed && member.value.is_null()) continue;
    if (auto checked = check_value(schema, member.key, *field, member.value); !checked) {
      return checked;
    }
  }
  return {};
}

}  // namespace

Result<Object> validate_insert(const CollectionSchema& schema, const Object& data) {
  if (auto checked = check_given(schema, data, false); !checked) return fail(checked);
  Object record = data;
  for (const FieldSchema& field : schema.fields) {
    if (data.contains(field.name) || field.automatic) continue;
    if (field.default_value) {
      record.append_unchecked(field.name, *field.default_value);
    } else if (field.required) {
      return refuse(schema, field.name, "is required");
    }
  }
  return record;
}

Result<Object> validate_update(const CollectionSchema& schema, const Object& data) {
  if (auto checked = check_given(schema, data, true); !checked) return fail(checked);
  return data;
}

}  // namespace tombolo::core
