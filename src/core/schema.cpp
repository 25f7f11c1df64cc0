#include "core/schema.h"

#include <array>
#include <utility>

namespace tombolo::core {
namespace {

constexpr std::array<std::string_view, 7> kMergeNames{"lww",          "counter",     "max", "min",
                                                      "add-wins-set", "append-only", "map"};

// By the names of Kora's field kinds, in the order of FieldKind.
constexpr std::array<std::string_view, 12> kKindNames{"any",       "string",   "number", "boolean",
                                                      "timestamp", "enum",     "array",  "object",
                                                      "json",      "richtext", "blob",   "secret"};

std::optional<FieldKind> kind_named(std::string_view name) {
  if (name == "integer") return FieldKind::number;  // JSON Schema's
  for (std::size_t index = 0; index < kKindNames.size(); ++index) {
    if (kKindNames[index] == name) return static_cast<FieldKind>(index);
  }
  return std::nullopt;
}

std::unexpected<Error> wrong(const std::string& place, const std::string& problem) {
  return fail(ErrorCode::invalid_argument, place + " " + problem);
}

const Object& object_in(const Value& value) {
  static const Object none;
  return value.if_object() != nullptr ? *value.if_object() : none;
}

const Array& array_in(const Value& value) {
  static const Array none;
  return value.if_array() != nullptr ? *value.if_array() : none;
}

bool fits(MergeStrategy strategy, FieldKind kind) {
  if (kind == FieldKind::any || kind == FieldKind::json) return true;
  switch (strategy) {
    case MergeStrategy::last_writer_wins:
      return true;
    case MergeStrategy::counter:
    case MergeStrategy::max:
    case MergeStrategy::min:
      return kind == FieldKind::number || kind == FieldKind::timestamp;
    case MergeStrategy::add_wins_set:
    case MergeStrategy::append_only:
      return kind == FieldKind::array;
    case MergeStrategy::map:
      return kind == FieldKind::object;
  }
  return false;
}

// The kind that JSON Schema's "type" and "enum" say; several types leave it open.
Result<FieldKind> json_schema_kind(const std::string& place, const Value& schema) {
  const Value& type = schema["type"];
  if (!type.is_string()) return FieldKind::any;
  const std::optional<FieldKind> kind = kind_named(type.as_string());
  const bool known = kind && *kind <= FieldKind::object && *kind != FieldKind::any &&
                     *kind != FieldKind::timestamp && *kind != FieldKind::enumeration;
  if (!known && type.as_string() != "null") {
    return wrong(place + ".type",
                 "must be a type of JSON Schema, not \"" + std::string(type.as_string()) + "\"");
  }
  return known ? *kind : FieldKind::any;
}

void read_enumeration(const Value& values, FieldSchema& field) {
  if (field.kind != FieldKind::string || array_in(values).empty()) return;
  for (const Value& value : array_in(values)) {
    if (!value.is_string()) return field.allowed_values.clear();
    field.allowed_values.emplace_back(value.as_string());
  }
  field.kind = FieldKind::enumeration;
}

Result<FieldSchema> json_schema_field(const std::string& place, const Member& property) {
  FieldSchema field;
  field.name = property.key;
  const Value& schema = property.value;
  if (!schema.is_object() && !schema.is_bool()) {
    return wrong(place, "must be a schema: an object or a boolean");
  }
  const Result<FieldKind> kind = json_schema_kind(place, schema);
  if (!kind) return fail(kind);
  field.kind = *kind;
  read_enumeration(schema["enum"], field);
  const Result<FieldKind> items = json_schema_kind(place + ".items", schema["items"]);
  if (!items) return fail(items);
  field.item_kind = *items;
  if (object_in(schema).contains("default")) field.default_value = schema["default"];
  field.indexed = schema["x-index"].as_bool();
  if (!object_in(schema).contains("x-merge")) return field;
  const std::string name(schema["x-merge"].as_string());
  const std::optional<MergeStrategy> strategy = merge_strategy_named(name);
  if (!strategy) {
    return wrong(place + ".x-merge",
                 "must be one of lww, counter, max, min, add-wins-set, "
                 "append-only, map; not " +
                     schema["x-merge"].to_json());
  }
  if (!fits(*strategy, field.kind)) {
    return wrong(place + ".x-merge", "\"" + name + "\" does not merge a field of this type");
  }
  field.merge = *strategy;
  return field;
}

MergeStrategy kora_merge(std::string_view name, FieldKind kind) {
  if (name == "union") return MergeStrategy::add_wins_set;
  if (const auto strategy = merge_strategy_named(name)) return *strategy;
  if (!name.empty()) return MergeStrategy::last_writer_wins;  // "server-authoritative"
  if (kind == FieldKind::array) return MergeStrategy::add_wins_set;
  if (kind == FieldKind::object || kind == FieldKind::json) return MergeStrategy::map;
  return MergeStrategy::last_writer_wins;
}

Result<FieldSchema> kora_field(const std::string& place, const Member& descriptor) {
  FieldSchema field;
  field.name = descriptor.key;
  const Value& value = descriptor.value;
  const std::optional<FieldKind> kind = kind_named(value["kind"].as_string());
  if (!kind) return wrong(place + ".kind", "is unknown: " + value["kind"].to_json());
  field.kind = *kind;
  field.required = value["required"].as_bool();
  field.automatic = value["auto"].as_bool();
  if (object_in(value).contains("defaultValue")) field.default_value = value["defaultValue"];
  for (const Value& allowed : array_in(value["enumValues"])) {
    field.allowed_values.emplace_back(allowed.as_string());
  }
  field.item_kind = kind_named(value["itemKind"].as_string()).value_or(FieldKind::any);
  field.merge = kora_merge(value["mergeStrategy"].as_string(), field.kind);
  for (const Member& member : object_in(value["nestedFields"])) {
    Result<FieldSchema> nested = kora_field(place + "." + member.key, member);
    if (!nested) return fail(nested);
    field.nested.push_back(std::move(*nested));
  }
  return field;
}

}  // namespace

std::string_view name_of(MergeStrategy strategy) {
  return kMergeNames[static_cast<std::size_t>(strategy)];
}

std::optional<MergeStrategy> merge_strategy_named(std::string_view name) {
  for (std::size_t index = 0; index < kMergeNames.size(); ++index) {
    if (kMergeNames[index] == name) return static_cast<MergeStrategy>(index);
  }
  return std::nullopt;
}

const FieldSchema* CollectionSchema::find(std::string_view field) const {
  for (const FieldSchema& candidate : fields) {
    if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

MergeStrategy CollectionSchema::merge_of(std::string_view field) const {
  const FieldSchema* found = find(field);
  return found != nullptr ? found->merge : MergeStrategy::last_writer_wins;
}

Result<CollectionSchema> parse_json_schema(std::string_view collection, const Value& schema) {
  CollectionSchema result;
  result.name = collection;
  const std::string place = "schema of collection \"" + result.name + "\":";
  if (!schema.is_object()) return wrong(place, "must be an object");
  const Value& closed = schema["additionalProperties"];
  result.closed = closed.is_bool() && !closed.as_bool();
  const Value& properties = schema["properties"];
  if (!properties.is_object() && !properties.is_null()) {
    return wrong(place, "properties must be an object");
  }
  for (const Member& property : object_in(properties)) {
    Result<FieldSchema> field = json_schema_field(place + " properties." + property.key, property);
    if (!field) return fail(field);
    for (const Value& name : array_in(schema["required"])) {
      field->required |= name.is_string() && name.as_string() == property.key;
    }
    result.fields.push_back(std::move(*field));
  }
  return result;
}

Result<std::map<std::string, CollectionSchema, std::less<>>> parse_kora_schema(const Value& dump) {
  std::map<std::string, CollectionSchema, std::less<>> result;
  if (!dump["collections"].is_object()) return wrong("the schema", "has no object \"collections\"");
  for (const Member& collection : object_in(dump["collections"])) {
    CollectionSchema schema;
    schema.name = collection.key;
    schema.version = dump["version"].as_integer(1);
    schema.closed = true;
    for (const Member& descriptor : object_in(collection.value["fields"])) {
      const std::string place = "schema of collection \"" + schema.name + "\": fields.";
      Result<FieldSchema> field = kora_field(place + descriptor.key, descriptor);
      if (!field) return fail(field);
      for (const Value& index : array_in(collection.value["indexes"])) {
        field->indexed |= index.as_string() == field->name;
      }
      schema.fields.push_back(std::move(*field));
    }
    result.emplace(collection.key, std::move(schema));
  }
  return result;
}

}  // namespace tombolo::core
