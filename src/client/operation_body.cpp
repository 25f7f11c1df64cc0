#include "client/operation_body.h"

#include "base/json.h"

namespace tombolo::client {
namespace {

void append_texts(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out.append(key);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_string(out, texts[i]);
  }
  out.push_back(']');
}

void append_text(std::string& out, std::string_view key, const std::optional<std::string>& text) {
  if (!text) return;
  out.append(key);
  append_json_string(out, *text);
}

void append_atomic(std::string& out, const std::vector<core::AtomicField>& fields) {
  if (fields.empty()) return;
  out.append(",\"a\":{");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_string(out, fields[i].field);
    out.append(":{\"type\":");
    append_json_string(out, core::name_of(fields[i].operation.kind));
    out.append(",\"value\":");
    append_json(out, fields[i].operation.value);
    out.push_back('}');
  }
  out.push_back('}');
}

std::string_view letter_of(core::OperationType type) {
  switch (type) {
    case core::OperationType::insert:
      return "i";
    case core::OperationType::update:
      return "u";
    case core::OperationType::remove:
      return "d";
  }
  return "i";
}

bool read_type(std::string_view letter, core::OperationType& type) {
  if (letter == "i") {
    type = core::OperationType::insert;
  } else if (letter == "u") {
    type = core::OperationType::update;
  } else if (letter == "d") {
    type = core::OperationType::remove;
  } else {
    return false;
  }
  return true;
}

std::vector<std::string> read_texts(const Value& value) {
  std::vector<std::string> texts;
  if (const Array* array = value.if_array()) {
    for (const Value& element : *array) texts.emplace_back(element.as_string());
  }
  return texts;
}

void read_atomic(const Value& value, std::vector<core::AtomicField>& fields) {
  const Object* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [field, operation] : *object) {
    if (const auto kind = core::atomic_kind_named(operation["type"].as_string())) {
      fields.push_back({field, {*kind, operation["value"]}});
    }
  }
}

bool read_member(std::string& key, Value& value, core::Operation& operation) {
  if (key.size() != 1) return false;
  switch (key.front()) {
    case 't':
      return read_type(value.as_string(), operation.type);
    case 'd':
      if (Object* data = value.if_object()) operation.data = std::move(*data);
      return true;
    case 'p':
      if (Object* data = value.if_object()) operation.previous_data = std::move(*data);
      return true;
    case 'r':
      operation.removed = read_texts(value);
      return true;
    case 'b':
      operation.base_version = std::string(value.as_string());
      return true;
    case 'a':
      read_atomic(value, operation.atomic);
      return true;
    case 'c':
      operation.causal_dependencies = read_texts(value);
      return true;
    case 'v':
      operation.schema_version = value.as_integer(1);
      return true;
    case 'x':
      operation.transaction_id = std::string(value.as_string());
      return true;
    case 'm':
      operation.mutation_name = std::string(value.as_string());
      return true;
    case 'n':
      operation.timestamp.node = std::string(value.as_string());
      return true;
    default:
      return false;
  }
}

}  // namespace

void append_operation_body(std::string& out, const core::Operation& operation,
                           std::string_view data_json) {
  out.append("{\"t\":\"").append(letter_of(operation.type)).push_back('"');
  if (operation.data) {
    out.append(",\"d\":");
    if (data_json.empty()) {
      append_json(out, *operation.data);
    } else {
      out.append(data_json);
    }
  }
  if (operation.previous_data) {
    out.append(",\"p\":");
    append_json(out, *operation.previous_data);
  }
  append_texts(out, ",\"r\":[", operation.removed);
  append_text(out, ",\"b\":", operation.base_version);
  append_atomic(out, operation.atomic);
  append_texts(out, ",\"c\":[", operation.causal_dependencies);
  if (operation.schema_version != 1) {
    out.append(",\"v\":").append(std::to_string(operation.schema_version));
  }
  append_text(out, ",\"x\":", operation.transaction_id);
  append_text(out, ",\"m\":", operation.mutation_name);
  if (operation.timestamp.node != operation.node) {
    append_text(out, ",\"n\":", operation.timestamp.node);
  }
  out.push_back('}');
}

Result<void> read_operation_body(std::string_view body, core::Operation& operation) {
  // The record's own nesting is limited where it comes in; here it stands a few levels deeper.
  constexpr int kBodyDepth = kJsonDepthLimit + 4;
  Result<Value> parsed = parse_json(body, {.depth_limit = kBodyDepth});
  Object* members = parsed ? parsed->if_object() : nullptr;
  if (members != nullptr) {
    bool understood = members->contains("t");
    for (auto& [key, value] : *members)
      understood = read_member(key, value, operation) && understood;
    if (understood) return {};
  }
  return fail(ErrorCode::corrupt, "the log holds an operation that cannot be read (record " +
                                      operation.record + " of " + operation.collection +
                                      "): check the file's disk, or restore a backup");
}

}  // namespace tombolo::client
