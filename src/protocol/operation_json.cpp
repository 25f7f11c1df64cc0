#include "protocol/operation_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/json_cursor.h"
#include "base/sha256.h"
#include "base/text.h"

namespace tombolo::protocol {
namespace {

using core::AtomicField;
using core::Operation;

constexpr std::string_view kBytesKey = "$koraBytes";
constexpr std::string_view kWireBytesKey = "__kora_bytes__";

// `name` stands as it is written: ,"name":
void append_text_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(name);
  append_json_string(out, text);
}

void append_integer_member(std::string& out, std::string_view name, std::int64_t number) {
  out.append(name);
  append_json(out, Value(number));
}

void append_object_member(std::string& out, std::string_view name,
                          const std::optional<Object>& object) {
  out.append(name);
  if (object) {
    append_json(out, *object);
  } else {
    out.append("null");
  }
}

void append_text_list(std::string& out, std::string_view name,
                      const std::vector<std::string>& texts) {
  out.append(name).push_back('[');
  for (std::size_t index = 0; index < texts.size(); ++index) {
    if (index > 0) out.push_back(',');
    append_json_string(out, texts[index]);
  }
  out.push_back(']');
}

void append_atomic(std::string& out, const std::vector<AtomicField>& fields) {
  out.append(",\"atomicOps\":{");
  for (std::size_t index = 0; index < fields.size(); ++index) {
    if (index > 0) out.push_back(',');
    append_json_string(out, fields[index].field);
    out.append(":{\"type\":\"").append(name_of(fields[index].operation.kind));
    out.append("\",\"value\":");
    append_json(out, fields[index].operation.value);
    out.push_back('}');
  }
  out.push_back('}');
}

std::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(ErrorCode::invalid_data,
              "operation field '" + std::string(field) + "' must be " + std::string(expected));
}

// Reads one operation straight from its text.
class OperationReader {
 public:
  explicit OperationReader(std::string_view json) : cursor_(json) {}

  Result<Operation> read() {
    if (cursor_.peek() != '{') {
      return fail(ErrorCode::invalid_data, "an operation must be an object");
    }
    cursor_.open_object();
    std::string_view key;
    while (cursor_.next_member(key)) {
      if (Result<void> done = read_member(key); !done) return fail(done);
    }
    if (!cursor_.finish()) return cursor_.error();
    for (std::size_t index = 0; index < kRequired.size(); ++index) {
      if ((seen_ & (1U << index)) == 0) {
        return fail(ErrorCode::invalid_data,
                    "operation field '" + std::string(kRequired[index]) + "' is missing");
      }
    }
    return std::move(operation_);
  }

 private:
  static constexpr std::array<std::string_view, 7> kRequired{
      "id", "nodeId", "type", "collection", "recordId", "timestamp", "sequenceNumber"};

  // The name of a field outlives its key, which does not survive the next read.
  Result<void> read_member(std::string_view key) {
    const auto required = std::find(kRequired.begin(), kRequired.end(), key);
    if (required != kRequired.end()) {
      seen_ |= 1U << (required - kRequired.begin());
      return read_required(*required);
    }
    if (key == "data") return read_object("data", operation_.data);
    if (key == "previousData") return read_object("previousData", operation_.previous_data);
    if (key == "causalDeps") return read_texts("causalDeps", operation_.causal_dependencies);
    if (key == "schemaVersion") return read_integer("schemaVersion", operation_.schema_version);
    if (key == "atomicOps") return read_atomic();
    if (key == "transactionId") {
      return read_optional_text("transactionId", operation_.transaction_id);
    }
    if (key == "mutationName") return read_optional_text("mutationName", operation_.mutation_name);
    if (key == "removed") return read_texts("removed", operation_.removed);
    if (key == "baseVersion") return read_optional_text("baseVersion", operation_.base_version);
    Value ignored;
    return read_value(ignored);
  }

  Result<void> read_required(std::string_view field) {
    if (field == "id") return read_text(field, operation_.id);
    if (field == "nodeId") return read_name(field, operation_.node);
    if (field == "type") return read_type();
    if (field == "collection") return read_name(field, operation_.collection);
    if (field == "recordId") return read_name(field, operation_.record);
    if (field == "timestamp") return read_timestamp();
    return read_integer(field, operation_.sequence_number);
  }

  Result<void> read_value(Value& out) {
    if (!cursor_.read(out)) return cursor_.error();
    return {};
  }

  Result<void> read_text(std::string_view field, std::string& out) {
    if (cursor_.peek() != '"') return wrong(field, "a string");
    std::string_view text;
    if (!cursor_.read_text(text)) return cursor_.error();
    out = text;
    return {};
  }

  // A text that names something: it goes into indexes and URIs, so it must be text proper.
  Result<void> read_name(std::string_view field, std::string& out) {
    if (Result<void> done = read_text(field, out); !done) return done;
    if (!is_utf8(out)) return wrong(field, "well-formed Unicode");
    return {};
  }

  Result<void> read_optional_text(std::string_view field, std::optional<std::string>& out) {
    out.reset();
    if (cursor_.peek() == 'n') return read_null();
    return read_text(field, out.emplace());
  }

  Result<void> read_null() {
    Value null;
    return read_value(null);
  }

  Result<void> read_integer(std::string_view field, std::int64_t& out) {
    constexpr std::int64_t kNone = INT64_MIN;
    Value value;
    if (Result<void> done = read_value(value); !done) return done;
    out = value.as_integer(kNone);
    if (out == kNone) return wrong(field, "an integer");
    return {};
  }

  Result<void> read_texts(std::string_view field, std::vector<std::string>& out) {
    constexpr std::string_view kExpected = "an array of strings";
    if (cursor_.peek() != '[') return wrong(field, kExpected);
    out.clear();
    cursor_.open_array();
    while (cursor_.next_element()) {
      if (cursor_.peek() != '"') return wrong(field, kExpected);
      if (Result<void> done = read_text(field, out.emplace_back()); !done) return done;
    }
    if (cursor_.failed()) return cursor_.error();
    return {};
  }

  Result<void> read_object(std::string_view field, std::optional<Object>& out) {
    out.reset();
    if (cursor_.peek() == 'n') return read_null();
    if (cursor_.peek() != '{') return wrong(field, "an object or null");
    if (!cursor_.read_members(out.emplace())) return cursor_.error();
    for (Member& member : *out) {
      Object* nested = member.value.if_object();
      if (nested == nullptr || nested->size() != 1) continue;
      Member& only = *nested->begin();
      if (only.key == kWireBytesKey && only.value.is_string()) only.key = kBytesKey;
    }
    return {};
  }

  Result<void> read_type() {
    std::string_view name;
    if (cursor_.peek() == '"' && !cursor_.read_text(name)) return cursor_.error();
    const auto type = core::operation_type_named(name);
    if (!type) return wrong("type", "\"insert\", \"update\" or \"delete\"");
    operation_.type = *type;
    return {};
  }

  Result<void> read_timestamp() {
    if (cursor_.peek() != '{') return wrong("timestamp", "an object");
    core::Timestamp& timestamp = operation_.timestamp;
    timestamp = {-1, -1, {}};
    cursor_.open_object();
    std::string_view key;
    while (cursor_.next_member(key)) {
      Result<void> done;
      if (key == "nodeId") {
        done = read_name("timestamp.nodeId", timestamp.node);
      } else {
        std::int64_t* number = key == "wallTime"  ? &timestamp.wall_ms
                               : key == "logical" ? &timestamp.logical
                                                  : nullptr;
        Value value;
        done = read_value(value);
        if (number != nullptr) *number = value.as_integer(-1);
      }
      if (!done) return done;
    }
    if (cursor_.failed()) return cursor_.error();
    if (timestamp.wall_ms < 0 || timestamp.wall_ms >= core::kWallTimeLimit) {
      return wrong("timestamp.wallTime", "an integer in [0, 10^15)");
    }
    if (timestamp.logical < 0 || timestamp.logical > core::kMaxLogical) {
      return wrong("timestamp.logical", "an integer in [0, 99999]");
    }
    if (timestamp.node.empty()) return wrong("timestamp.nodeId", "a non-empty string");
    return {};
  }

  Result<void> read_atomic() {
    if (cursor_.peek() != '{') return wrong("atomicOps", "an object");
    Object fields;
    if (!cursor_.read_members(fields)) return cursor_.error();
    operation_.atomic.clear();
    for (Member& member : fields) {
      const auto kind = core::atomic_kind_named(member.value["type"].as_string());
      if (!kind) {
        return wrong("atomicOps." + member.key, "of type increment, max, min, append or remove");
      }
      Value* operand = member.value.if_object() ? member.value.if_object()->find("value") : nullptr;
      operation_.atomic.push_back(
          {std::move(member.key), {*kind, operand != nullptr ? std::move(*operand) : Value()}});
    }
    return {};
  }

  JsonCursor cursor_;
  Operation operation_;
  unsigned seen_ = 0;
};

bool is_encrypted_operation(const Operation& operation) {
  return (operation.data && core::is_encrypted(*operation.data)) ||
         (operation.previous_data && core::is_encrypted(*operation.previous_data));
}

// The value as its author hashed it when it was a raw byte array: JavaScript writes such an array
// as an object with its indexes as keys. The wire's two spellings of bytes do not tell which it
// was.
Value as_byte_array(const Value& value) {
  const Object* object = value.if_object();
  if (object == nullptr || object->size() != 1) return value;
  const Value* text = object->find(kBytesKey);
  const auto bytes = text != nullptr ? from_base64(text->as_string()) : std::nullopt;
  if (!bytes) return value;
  Object array;
  array.reserve(bytes->size());
  for (std::size_t index = 0; index < bytes->size(); ++index) {
    array.append_unchecked(std::to_string(index),
                           std::int64_t{static_cast<unsigned char>((*bytes)[index])});
  }
  return array;
}

// The id when every bytes value was a raw byte array; nothing when there is none.
Result<std::optional<std::string>> id_with_byte_arrays(const Operation& operation) {
  if (!operation.data) return std::optional<std::string>();
  Operation raw = operation;
  bool changed = false;
  for (Member& member : *raw.data) {
    Value bytes = as_byte_array(member.value);
    if (bytes == member.value) continue;
    member.value = std::move(bytes);
    changed = true;
  }
  if (!changed) return std::optional<std::string>();
  Result<std::string> id = core::operation_id(raw);
  if (!id) return fail(id);
  return std::optional<std::string>(std::move(*id));
}

}  // namespace

void append_operation_json(std::string& out, const Operation& operation) {
  append_text_member(out, R"({"id":)", operation.id);
  append_text_member(out, R"(,"nodeId":)", operation.node);
  append_text_member(out, R"(,"type":)", name_of(operation.type));
  append_text_member(out, R"(,"collection":)", operation.collection);
  append_text_member(out, R"(,"recordId":)", operation.record);
  append_object_member(out, R"(,"data":)", operation.data);
  append_object_member(out, R"(,"previousData":)", operation.previous_data);
  append_integer_member(out, R"(,"timestamp":{"wallTime":)", operation.timestamp.wall_ms);
  append_integer_member(out, R"(,"logical":)", operation.timestamp.logical);
  append_text_member(out, R"(,"nodeId":)", operation.timestamp.node);
  append_integer_member(out, R"(},"sequenceNumber":)", operation.sequence_number);
  append_text_list(out, R"(,"causalDeps":)", operation.causal_dependencies);
  append_integer_member(out, R"(,"schemaVersion":)", operation.schema_version);
  if (!operation.atomic.empty()) append_atomic(out, operation.atomic);
  if (operation.transaction_id) {
    append_text_member(out, R"(,"transactionId":)", *operation.transaction_id);
  }
  if (operation.mutation_name) {
    append_text_member(out, R"(,"mutationName":)", *operation.mutation_name);
  }
  if (!operation.removed.empty()) append_text_list(out, R"(,"removed":)", operation.removed);
  if (operation.base_version) {
    append_text_member(out, R"(,"baseVersion":)", *operation.base_version);
  }
  out.push_back('}');
}

std::string operation_json(const Operation& operation) {
  std::string out;
  out.reserve(512);
  append_operation_json(out, operation);
  return out;
}

Result<Operation> parse_operation_json(std::string_view json) {
  return OperationReader(json).read();
}

OperationLabel read_operation_label(std::string_view json) {
  OperationLabel label;
  JsonCursor cursor(json);
  std::string_view key;
  cursor.open_object();
  while (cursor.next_member(key)) {
    std::string* name = key == "id"           ? &label.id
                        : key == "collection" ? &label.collection
                        : key == "recordId"   ? &label.record
                                              : nullptr;
    std::string_view text;
    if (!cursor.skip(text) || name == nullptr) continue;
    const Result<Value> value = parse_json(text);
    if (value && is_utf8(value->as_string())) *name = value->as_string();
  }
  if (!cursor.finish()) return {};
  return label;
}

bool is_operation_id(std::string_view id) {
  return id.size() == 64 && std::all_of(id.begin(), id.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

Result<void> verify_operation_id(const Operation& operation) {
  if (!is_operation_id(operation.id)) {
    return fail(ErrorCode::invalid_data,
                "operation field 'id' must be 64 lower-case hexadecimal digits");
  }
  if (is_encrypted_operation(operation)) return {};
  const Result<std::string> id = core::operation_id(operation);
  if (!id) return fail(id);
  if (*id == operation.id) return {};
  const Result<std::optional<std::string>> raw = id_with_byte_arrays(operation);
  if (!raw) return fail(raw);
  if (*raw && **raw == operation.id) return {};
  return fail(ErrorCode::invalid_data,
              "operation id " + operation.id + " is not the hash of its content, which is " + *id);
}

}  // namespace tombolo::protocol
