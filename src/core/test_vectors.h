// For the tests of this layer: the golden vectors of the Kora protocol (tests/data/kora) and
// operations read from their JSON form.
#pragma once

#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sstream>
#include <string>

#include "core/operation.h"

#include "tombolo/value.h"

namespace tombolo::core::testing {

inline Value read_vectors(const std::string& name) {
  std::ifstream file(std::string(TOMBOLO_TEST_DATA) + "/kora/" + name);
  std::stringstream text;
  text << file.rdbuf();
  Result<Value> value = Value::parse(text.str());
  EXPECT_TRUE(value) << name << ": " << (value ? "" : value.error().message);
  return value ? *value : Value();
}

inline const Array& elements(const Value& value) {
  static const Array none;
  return value.if_array() != nullptr ? *value.if_array() : none;
}

inline const Object& members(const Value& value) {
  static const Object none;
  return value.if_object() != nullptr ? *value.if_object() : none;
}

inline std::optional<Object> optional_object(const Value& value) {
  if (value.if_object() == nullptr) return std::nullopt;
  return *value.if_object();
}

// Nothing when a part is not an integer.
inline std::optional<Timestamp> timestamp_of(const Value& value) {
  constexpr std::int64_t kNone = INT64_MIN;
  Timestamp timestamp{value["wallTime"].as_integer(kNone), value["logical"].as_integer(kNone),
                      std::string(value["nodeId"].as_string())};
  if (timestamp.wall_ms == kNone || timestamp.logical == kNone) return std::nullopt;
  return timestamp;
}

// Nothing when the type is unknown.
inline std::optional<Operation> operation_of(const Value& value) {
  Operation operation;
  operation.id = value["id"].as_string();
  operation.node = value["nodeId"].as_string();
  const auto type = operation_type_named(value["type"].as_string("update"));
  if (!type) return std::nullopt;
  operation.type = *type;
  operation.collection = value["collection"].as_string();
  operation.record = value["recordId"].as_string();
  operation.data = optional_object(value["data"]);
  operation.previous_data = optional_object(value["previousData"]);
  operation.timestamp = timestamp_of(value["timestamp"]).value_or(Timestamp{});
  operation.sequence_number = value["sequenceNumber"].as_integer();
  operation.schema_version = value["schemaVersion"].as_integer(1);
  for (const Value& id : elements(value["causalDeps"])) {
    operation.causal_dependencies.emplace_back(id.as_string());
  }
  for (const Member& member : members(value["atomicOps"])) {
    const auto kind = atomic_kind_named(member.value["type"].as_string());
    EXPECT_TRUE(kind) << member.value.to_json();
    if (kind) operation.atomic.push_back({member.key, {*kind, member.value["value"]}});
  }
  return operation;
}

}  // namespace tombolo::core::testing
