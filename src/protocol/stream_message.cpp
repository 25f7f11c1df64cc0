#include "protocol/stream_message.h"

#include <array>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/json_cursor.h"
#include "base/text.h"

namespace tombolo::protocol {
namespace {

// Of one message; the protocol has fifteen at most.
constexpr std::size_t kMaxFields = 64;

std::unexpected<Error> wrong(std::string_view type, std::string_view field,
                             std::string_view expected) {
  return fail(ErrorCode::protocol, std::string(type) + " field '" + std::string(field) +
                                       "' must be " + std::string(expected));
}

// JavaScript knows one kind of number: fractions are cut, what does not fit goes to the limit.
std::optional<std::int64_t> integer_of(const Value& value) {
  if (const std::int64_t* integer = value.if_integer()) return *integer;
  if (!value.is_number()) return std::nullopt;
  constexpr double kLimit = 9.0e18;
  const double number = value.as_number();
  if (std::isnan(number)) return 0;
  if (number >= kLimit) return INT64_MAX;
  if (number <= -kLimit) return INT64_MIN;
  return static_cast<std::int64_t>(number);
}

// The members of a frame except the operations, which stay text. Getters note the first field that
// is missing or of the wrong type; the caller asks once, at the end.
class Fields {
 public:
  Fields(std::string_view type, Object members) : type_(type), members_(std::move(members)) {}

  std::string text(std::string_view key) {
    const Value* value = members_.find(key);
    if (value != nullptr && value->is_string()) return *value->if_string();
    return note(key, "a string"), std::string();
  }
  std::int64_t integer(std::string_view key) {
    const Value* value = members_.find(key);
    const auto number = value != nullptr ? integer_of(*value) : std::nullopt;
    if (!number) note(key, "a number");
    return number.value_or(0);
  }
  bool boolean(std::string_view key) {
    const Value* value = members_.find(key);
    if (value == nullptr || !value->is_bool()) note(key, "true or false");
    return value != nullptr && value->as_bool();
  }
  std::optional<std::string> optional_text(std::string_view key) {
    if (absent(key)) return std::nullopt;
    return text(key);
  }
  std::optional<std::int64_t> optional_integer(std::string_view key) {
    if (absent(key)) return std::nullopt;
    return integer(key);
  }
  std::optional<bool> optional_boolean(std::string_view key) {
    if (absent(key)) return std::nullopt;
    return boolean(key);
  }
  std::optional<Value> optional_object(std::string_view key) {
    if (absent(key)) return std::nullopt;
    if (!members_.find(key)->is_object()) note(key, "an object");
    return *members_.find(key);
  }
  std::optional<Value> optional_array(std::string_view key) {
    if (absent(key)) return std::nullopt;
    if (!members_.find(key)->is_array()) note(key, "an array");
    return *members_.find(key);
  }
  std::vector<std::string> optional_texts(std::string_view key) {
    std::vector<std::string> texts;
    const std::optional<Value> value = optional_array(key);
    if (!value || value->if_array() == nullptr) return texts;
    for (const Value& element : *value->if_array()) {
      if (!element.is_string()) note(key, "an array of strings");
      texts.emplace_back(element.as_string());
    }
    return texts;
  }
  core::VersionVector version_vector(std::string_view key) {
    core::VersionVector vector;
    const Value* value = members_.find(key);
    if (value == nullptr || !value->is_object()) {
      note(key, "an object");
      return vector;
    }
    for (const Member& member : *value->if_object()) {
      const auto number = integer_of(member.value);
      if (number && *number >= 0) vector[member.key] = *number;
    }
    return vector;
  }
  std::optional<Proof> proof() {
    const std::optional<std::string> fingerprint = optional_text("fingerprint");
    const std::optional<std::int64_t> sequence = optional_integer("fingerprintSequence");
    if (!fingerprint || !sequence) return std::nullopt;
    return Proof{*fingerprint, *sequence};
  }
  void require_object(std::string_view key) {
    if (absent(key) || !members_.find(key)->is_object()) note(key, "an object");
  }
  void require_text_or_null(std::string_view key) {
    const Value* value = members_.find(key);
    if (value == nullptr || !(value->is_null() || value->is_string())) {
      note(key, "a string or null");
    }
  }
  void note(std::string_view key, std::string_view expected) {
    if (!problem_) problem_ = wrong(type_, key, expected).error();
  }

  template <typename Message>
  Result<StreamMessage> finish(Message&& message) {
    if (problem_) return std::unexpected<Error>(*std::move(problem_));
    return StreamMessage(std::forward<Message>(message));
  }

 private:
  bool absent(std::string_view key) const {
    const Value* value = members_.find(key);
    return value == nullptr || value->is_null();
  }

  std::string type_;
  Object members_;
  std::optional<Error> problem_;
};

Result<StreamMessage> read_handshake(Fields& fields, std::string message_id) {
  Handshake message;
  message.message_id = std::move(message_id);
  message.node = fields.text("nodeId");
  message.version_vector = fields.version_vector("versionVector");
  message.schema_version = fields.integer("schemaVersion");
  message.auth_token = fields.optional_text("authToken");
  message.supported_wire_formats = fields.optional_texts("supportedWireFormats");
  message.sync_scope = fields.optional_object("syncScope");
  message.sync_queries = fields.optional_array("syncQueries");
  message.delta_cursor = fields.optional_text("deltaCursor");
  message.last_delivery_sequence = fields.optional_integer("lastDeliverySequence");
  message.own_history = fields.optional_boolean("ownHistory");
  message.timeline = fields.optional_text("timeline");
  message.timeline_sequence = fields.optional_integer("timelineSequence");
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_response(Fields& fields, std::string message_id) {
  HandshakeResponse message;
  message.message_id = std::move(message_id);
  message.node = fields.text("nodeId");
  message.version_vector = fields.version_vector("versionVector");
  message.schema_version = fields.integer("schemaVersion");
  message.accepted = fields.boolean("accepted");
  message.reject_reason = fields.optional_text("rejectReason");
  message.supported_schema_min = fields.optional_integer("supportedSchemaMin");
  message.supported_schema_max = fields.optional_integer("supportedSchemaMax");
  message.selected_wire_format = fields.optional_text("selectedWireFormat");
  message.accepted_scope = fields.optional_object("acceptedScope");
  message.server_time_ms = fields.optional_integer("serverTime");
  message.blob_storage_enabled = fields.optional_boolean("blobStorageEnabled");
  message.server_max_delivery_sequence = fields.optional_integer("serverMaxDeliverySequence");
  message.max_operation_bytes = fields.optional_integer("maxOperationBytes");
  message.own_history = fields.optional_boolean("ownHistory");
  message.proof = fields.proof();
  message.timeline = fields.optional_text("timeline");
  message.next_timeline = fields.optional_text("nextTimeline");
  message.restored = fields.optional_boolean("restored");
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_batch(Fields& fields, std::string message_id,
                                 std::optional<std::vector<std::string_view>> operations) {
  OperationBatch message;
  message.message_id = std::move(message_id);
  message.is_final = fields.boolean("isFinal");
  message.batch_index = fields.integer("batchIndex");
  message.cursor = fields.optional_text("cursor");
  message.total_batches = fields.optional_integer("totalBatches");
  message.base_delivery_sequence = fields.optional_integer("baseDeliverySequence");
  message.max_delivery_sequence = fields.optional_integer("maxDeliverySequence");
  message.proof = fields.proof();
  if (!operations) fields.note("operations", "an array");
  if (operations) message.operations = std::move(*operations);
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_acknowledgment(Fields& fields, std::string message_id) {
  Acknowledgment message;
  message.message_id = std::move(message_id);
  message.acknowledged_message_id = fields.text("acknowledgedMessageId");
  message.last_sequence_number = fields.integer("lastSequenceNumber");
  message.delivery_sequence = fields.optional_integer("deliverySequence");
  message.server_max_delivery_sequence = fields.optional_integer("serverMaxDeliverySequence");
  message.proof = fields.proof();
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_error(Fields& fields, std::string message_id) {
  ErrorMessage message{std::move(message_id), fields.text("code"), fields.text("message"),
                       fields.boolean("retriable")};
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_rejected(Fields& fields, std::string message_id) {
  OperationRejected message;
  message.message_id = std::move(message_id);
  message.operation_id = fields.text("operationId");
  message.collection = fields.text("collection");
  message.record = fields.text("recordId");
  message.code = fields.text("code");
  message.message = fields.text("message");
  message.retriable = fields.boolean("retriable");
  return fields.finish(std::move(message));
}

Result<StreamMessage> read_side_message(Fields& fields, std::string type, std::string message_id) {
  if (type == "awareness-update") {
    fields.integer("clientId");
    fields.require_object("states");
  } else if (type == "yjs-doc-update") {
    for (const char* key : {"collection", "recordId", "field", "update"}) fields.text(key);
  } else if (type == "blob-chunk-request") {
    for (const char* key : {"requestId", "hash"}) fields.text(key);
  } else if (type == "blob-chunk-response") {
    fields.text("requestId");
    fields.require_text_or_null("bytes");
  } else if (type == "blob-chunk-push") {
    for (const char* key : {"hash", "bytes"}) fields.text(key);
  } else {
    if (Result<StreamMessage> rest = fields.finish(SideMessage{}); !rest) return rest;
    return fail(ErrorCode::unsupported, "unknown message type '" + type + "'");
  }
  return fields.finish(SideMessage{std::move(message_id), std::move(type)});
}

// Each stays text. Nothing when it is no array.
void read_operations(JsonCursor& cursor, std::optional<std::vector<std::string_view>>& operations) {
  operations.reset();
  std::string_view text;
  if (cursor.peek() != '[') {
    cursor.skip(text);
    return;
  }
  operations.emplace();
  cursor.open_array();
  while (cursor.next_element()) {
    if (cursor.skip(text)) operations->push_back(text);
  }
}

// Writes the members of one frame.
class Writer {
 public:
  Writer(std::string_view type, std::string_view message_id, std::size_t size_hint = 256) {
    out_.reserve(size_hint);
    out_.append("{\"type\":\"").append(type).push_back('"');
    text("messageId", message_id);
  }

  Writer& text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
    return *this;
  }
  Writer& integer(std::string_view key, std::int64_t value) {
    name(key);
    out_.append(std::to_string(value));
    return *this;
  }
  Writer& boolean(std::string_view key, bool value) {
    name(key);
    out_.append(value ? "true" : "false");
    return *this;
  }
  Writer& optional(std::string_view key, const std::optional<std::string>& value) {
    return value ? text(key, *value) : *this;
  }
  Writer& optional(std::string_view key, const std::optional<std::int64_t>& value) {
    return value ? integer(key, *value) : *this;
  }
  Writer& optional(std::string_view key, const std::optional<bool>& value) {
    return value ? boolean(key, *value) : *this;
  }
  Writer& optional(std::string_view key, const std::optional<Value>& value) {
    if (!value) return *this;
    name(key);
    append_json(out_, *value);
    return *this;
  }
  Writer& version_vector(const core::VersionVector& vector) {
    name("versionVector");
    append_json(out_, core::to_object(vector));
    return *this;
  }
  Writer& texts(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    out_.push_back('[');
    for (std::size_t index = 0; index < values.size(); ++index) {
      if (index > 0) out_.push_back(',');
      append_json_string(out_, values[index]);
    }
    out_.push_back(']');
    return *this;
  }
  Writer& spliced(std::string_view key, const std::vector<std::string_view>& values) {
    name(key);
    out_.push_back('[');
    for (std::size_t index = 0; index < values.size(); ++index) {
      if (index > 0) out_.push_back(',');
      out_.append(values[index]);
    }
    out_.push_back(']');
    return *this;
  }
  Writer& proof(const std::optional<Proof>& proof) {
    if (!proof) return *this;
    return text("fingerprint", proof->fingerprint).integer("fingerprintSequence", proof->sequence);
  }
  std::string finish() {
    out_.push_back('}');
    return std::move(out_);
  }

 private:
  void name(std::string_view key) { out_.append(",\"").append(key).append("\":"); }

  std::string out_;
};

}  // namespace

Result<StreamMessage> parse_stream_message(std::string_view frame) {
  JsonCursor cursor(frame);
  Object members;
  std::optional<std::vector<std::string_view>> operations;
  std::string_view key;
  cursor.open_object();
  while (cursor.next_member(key)) {
    if (key == "operations") {
      read_operations(cursor, operations);
      continue;
    }
    if (members.size() == kMaxFields && !members.contains(key)) {
      return wrong("message", "*", "one of at most " + std::to_string(kMaxFields));
    }
    cursor.read(members[key]);
  }
  if (!cursor.finish()) return cursor.error();
  const Value* type_value = members.find("type");
  if (type_value == nullptr || !type_value->is_string()) {
    return wrong("message", "type", "a string");
  }
  std::string type = *type_value->if_string();
  Fields fields(type, std::move(members));
  std::string message_id = fields.text("messageId");
  if (type == "operation-batch") {
    return read_batch(fields, std::move(message_id), std::move(operations));
  }
  if (type == "acknowledgment") return read_acknowledgment(fields, std::move(message_id));
  if (type == "handshake") return read_handshake(fields, std::move(message_id));
  if (type == "handshake-response") return read_response(fields, std::move(message_id));
  if (type == "error") return read_error(fields, std::move(message_id));
  if (type == "operation-rejected") return read_rejected(fields, std::move(message_id));
  return read_side_message(fields, std::move(type), std::move(message_id));
}

std::string encode(const Handshake& message) {
  Writer writer("handshake", message.message_id);
  writer.text("nodeId", message.node)
      .version_vector(message.version_vector)
      .integer("schemaVersion", message.schema_version)
      .optional("authToken", message.auth_token);
  if (!message.supported_wire_formats.empty()) {
    writer.texts("supportedWireFormats", message.supported_wire_formats);
  }
  return writer.optional("syncScope", message.sync_scope)
      .optional("deltaCursor", message.delta_cursor)
      .optional("syncQueries", message.sync_queries)
      .optional("lastDeliverySequence", message.last_delivery_sequence)
      .optional("ownHistory", message.own_history)
      .optional("timeline", message.timeline)
      .optional("timelineSequence", message.timeline_sequence)
      .finish();
}

std::string encode(const HandshakeResponse& message) {
  return Writer("handshake-response", message.message_id)
      .text("nodeId", message.node)
      .version_vector(message.version_vector)
      .integer("schemaVersion", message.schema_version)
      .boolean("accepted", message.accepted)
      .optional("rejectReason", message.reject_reason)
      .optional("supportedSchemaMin", message.supported_schema_min)
      .optional("supportedSchemaMax", message.supported_schema_max)
      .optional("selectedWireFormat", message.selected_wire_format)
      .optional("serverTime", message.server_time_ms)
      .optional("serverMaxDeliverySequence", message.server_max_delivery_sequence)
      .optional("blobStorageEnabled", message.blob_storage_enabled)
      .optional("acceptedScope", message.accepted_scope)
      .optional("maxOperationBytes", message.max_operation_bytes)
      .optional("ownHistory", message.own_history)
      .proof(message.proof)
      .optional("timeline", message.timeline)
      .optional("nextTimeline", message.next_timeline)
      .optional("restored", message.restored)
      .finish();
}

std::string encode(const OperationBatch& message) {
  std::size_t size = 512;
  for (const std::string_view operation : message.operations) size += operation.size() + 1;
  return Writer("operation-batch", message.message_id, size)
      .spliced("operations", message.operations)
      .boolean("isFinal", message.is_final)
      .integer("batchIndex", message.batch_index)
      .optional("cursor", message.cursor)
      .optional("totalBatches", message.total_batches)
      .optional("baseDeliverySequence", message.base_delivery_sequence)
      .optional("maxDeliverySequence", message.max_delivery_sequence)
      .proof(message.proof)
      .finish();
}

std::string encode(const Acknowledgment& message) {
  return Writer("acknowledgment", message.message_id)
      .text("acknowledgedMessageId", message.acknowledged_message_id)
      .integer("lastSequenceNumber", message.last_sequence_number)
      .optional("deliverySequence", message.delivery_sequence)
      .optional("serverMaxDeliverySequence", message.server_max_delivery_sequence)
      .proof(message.proof)
      .finish();
}

std::string encode(const ErrorMessage& message) {
  return Writer("error", message.message_id)
      .text("code", message.code)
      .text("message", message.message)
      .boolean("retriable", message.retriable)
      .finish();
}

std::string encode(const OperationRejected& message) {
  return Writer("operation-rejected", message.message_id)
      .text("operationId", message.operation_id)
      .text("collection", message.collection)
      .text("recordId", message.record)
      .text("code", message.code)
      .text("message", message.message)
      .boolean("retriable", message.retriable)
      .finish();
}

std::string encode_delta_cursor(const DeltaCursor& cursor) {
  std::string json = "{\"lastOperationId\":";
  append_json_string(json, cursor.last_operation_id);
  json.append(",\"batchIndex\":").append(std::to_string(cursor.batch_index)).push_back('}');
  return to_base64(json, Base64::url);
}

std::optional<DeltaCursor> parse_delta_cursor(std::string_view text) {
  const std::optional<std::string> json = from_base64(text, Base64::url);
  if (!json) return std::nullopt;
  const Result<Value> value = parse_json(*json);
  if (!value) return std::nullopt;
  const Value& id = (*value)["lastOperationId"];
  const std::optional<std::int64_t> index = integer_of((*value)["batchIndex"]);
  if (!id.is_string() || !index) return std::nullopt;
  return DeltaCursor{*id.if_string(), *index};
}

}  // namespace tombolo::protocol
