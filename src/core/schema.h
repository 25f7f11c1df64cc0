// What a collection may hold and how its fields merge.
//
// A schema comes as JSON Schema with our annotations ("x-merge", "x-index" on a property) as stored
// with a Kinto collection, or as a dump of a Kora schema (Kora protocol section 13). A collection
// without a schema takes any JSON object, every field last-writer-wins.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::core {

// How two writes that did not see each other become one value.
enum class MergeStrategy {
  last_writer_wins,  // the later stamp
  counter,           // both differences are added
  max,
  min,
  add_wins_set,  // arrays: additions of both; an element goes only when both removed it
  append_only,   // arrays: additions of both, in the order of their stamps
  map,           // objects: key by key, a write beats a removal; nested maps and sets likewise
};
std::string_view name_of(MergeStrategy strategy);  // "lww", "counter", ..., as in "x-merge"
std::optional<MergeStrategy> merge_strategy_named(std::string_view name);

enum class FieldKind {
  any,
  string,
  number,
  boolean,
  timestamp,
  enumeration,
  array,
  object,
  json,
  richtext,
  blob,
  secret,
};

struct FieldSchema {
  std::string name;
  FieldKind kind = FieldKind::any;
  bool required = false;
  bool automatic =
      false;  // filled in by the system (Kora "auto" timestamps); callers may not give it
  std::optional<Value> default_value;
  std::vector<std::string> allowed_values;  // of an enumeration
  FieldKind item_kind = FieldKind::any;     // of an array
  std::vector<FieldSchema> nested;          // of an object; it may have other members besides
  MergeStrategy merge = MergeStrategy::last_writer_wins;
  bool indexed = false;
};

struct CollectionSchema {
  std::string name;
  std::int64_t version = 1;
  bool closed = false;  // a field that is not listed is an error
  std::vector<FieldSchema> fields;

  const FieldSchema* find(std::string_view field) const;
  // The strategy of `field`; last_writer_wins for fields that are not listed.
  MergeStrategy merge_of(std::string_view field) const;
};

// Reads JSON Schema text with annotations. Keywords that do not concern merge or kinds are left
// alone. Fails with invalid_argument naming the place in the schema.
Result<CollectionSchema> parse_json_schema(std::string_view collection, const Value& schema);

// Reads {"version", "collections": {name: {"fields": {...}}}}, the dump of a Kora schema.
Result<std::map<std::string, CollectionSchema, std::less<>>> parse_kora_schema(const Value& dump);

// The record to store for a new one: defaults filled in. Fails with invalid_argument on an unknown
// field (closed schemas), an automatic one, a missing required one or a value of the wrong kind.
Result<Object> validate_insert(const CollectionSchema& schema, const Object& data);

// The same for the fields of an update; null is allowed for every field.
Result<Object> validate_update(const CollectionSchema& schema, const Object& data);

}  // namespace tombolo::core
