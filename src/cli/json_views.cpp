#include "cli/json_views.h"

namespace tombolo::cli {

namespace {

// A value that may be missing. A field that was removed is told from one that is null by its
// absence.
void set_optional(Object& object, std::string_view key, const std::optional<Value>& value) {
  if (value) object.set(key, *value);
}

void set_optional(Object& object, std::string_view key, const std::optional<std::int64_t>& value) {
  object.set(key, value ? Value(*value) : Value());
}

}  // namespace

Value to_value(const Error& error) {
  return {{"code", name_of(error.code)}, {"message", error.message}};
}

Value to_value(const Record& record) {
  return record.to_object();
}

Value to_value(const CollectionInfo& collection) {
  return {{"name", collection.name},
          {"records", collection.records},
          {"has_schema", collection.has_schema}};
}

std::string_view name_of_kind(RemoteKind kind) {
  return kind == RemoteKind::kinto ? "kinto" : "stream";
}

Value to_value(const RemoteStatus& status) {
  Object object = {{"name", status.name},
                   {"url", status.url},
                   {"kind", name_of_kind(status.kind)},
                   {"collections", Array(status.collections.begin(), status.collections.end())},
                   {"state", name_of(status.state)},
                   {"synced", status.synced},
                   {"pending", status.pending},
                   {"dead_letters", status.dead_letters},
                   {"unreadable", status.unreadable},
                   {"sent_operations", status.sent_operations},
                   {"received_operations", status.received_operations}};
  set_optional(object, "last_sync_ms", status.last_sync_ms);
  set_optional(object, "next_attempt_ms", status.next_attempt_ms);
  object.set("last_error", status.last_error ? to_value(*status.last_error) : Value());
  return object;
}

Value to_value(const DatabaseStatus& status) {
  return {{"node", status.node},
          {"operations", status.operations},
          {"pending", status.pending},
          {"losses", status.losses},
          {"dead_letters", status.dead_letters},
          {"remotes", to_value(status.remotes)}};
}

Value to_value(const Loss& loss) {
  Object object = {{"id", loss.id},
                   {"collection", loss.collection},
                   {"record", loss.record},
                   {"field", loss.field}};
  set_optional(object, "losing_value", loss.losing_value);
  set_optional(object, "winning_value", loss.winning_value);
  object.set("rule", loss.rule);
  object.set("losing_operation", loss.losing_operation);
  object.set("winning_operation", loss.winning_operation);
  object.set("noticed_ms", loss.noticed_ms);
  return object;
}

Value to_value(const DeadLetter& letter) {
  return {{"id", letter.id},
          {"remote", letter.remote},
          {"collection", letter.collection},
          {"record", letter.record},
          {"operation", letter.operation},
          {"code", letter.code},
          {"reason", letter.reason},
          {"refused_ms", letter.refused_ms}};
}

Value to_value(const OperationInfo& operation) {
  return {
      {"id", operation.id},          {"type", operation.type}, {"collection", operation.collection},
      {"record", operation.record},  {"node", operation.node}, {"timestamp", operation.timestamp},
      {"pending", operation.pending}};
}

Value to_value(const Event& event) {
  Object object = {{"event", name_of(event.type)}};
  if (!event.remote.empty()) object.set("remote", event.remote);
  if (!event.collection.empty()) object.set("collection", event.collection);
  if (!event.records.empty()) {
    object.set("records", Array(event.records.begin(), event.records.end()));
  }
  if (event.type == Event::Type::sync_finished) {
    object.set("sent", event.sent);
    object.set("received", event.received);
  }
  if (event.error) object.set("error", to_value(*event.error));
  return object;
}

Value to_value(const ImportSummary& summary) {
  const auto number = [](std::size_t count) { return Value(static_cast<std::int64_t>(count)); };
  return {{"created", number(summary.created)},
          {"changed", number(summary.changed)},
          {"skipped", number(summary.skipped)}};
}

}  // namespace tombolo::cli
