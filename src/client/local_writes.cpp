#include "client/local_writes.h"

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "client/refold.h"
#include "core/merge.h"
#include "core/names.h"

namespace tombolo::client {
namespace {

Result<Sha256Digest> digest_of(const core::Operation& operation) {
  const Result<std::string> canonical = core::canonical_operation(operation);
  if (!canonical) return fail(canonical);
  return sha256(*canonical);
}

// Text that is no UTF-8, and nesting that could not be read back, stay out of the log.
Result<void> check_value(const Value& value, int depth) {
  if (const std::string* text = value.if_string(); text != nullptr && !is_utf8(*text)) {
    return fail(ErrorCode::invalid_argument, "a text in the record is not valid UTF-8");
  }
  if (depth >= kJsonDepthLimit && (value.is_array() || value.is_object())) {
    return fail(ErrorCode::limit_exceeded, "the record is nested more than " +
                                               std::to_string(kJsonDepthLimit) + " levels deep");
  }
  if (const Array* array = value.if_array()) {
    for (const Value& element : *array) {
      if (auto good = check_value(element, depth + 1); !good) return good;
    }
  } else if (const Object* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      if (!is_utf8(key)) {
        return fail(ErrorCode::invalid_argument, "a field name is not valid UTF-8");
      }
      if (auto good = check_value(member, depth + 1); !good) return good;
    }
  }
  return {};
}

Result<void> check_fields(const Object& fields) {
  for (const auto& [key, value] : fields) {
    if (!is_utf8(key)) {
      return fail(ErrorCode::invalid_argument, "a field name is not valid UTF-8");
    }
    if (auto good = check_value(value, 1); !good) return good;
  }
  return {};
}

Error no_record(const CollectionEntry& collection, std::string_view id) {
  return {ErrorCode::not_found, "there is no record \"" + std::string(id) + "\" in collection \"" +
                                    collection.name + "\""};
}

// The record's own text of its version, for the next author to say what it saw.
std::optional<std::string> version_text(const core::RecordState& state) {
  Result<std::string> text = core::format_timestamp(state.version);
  if (!text) return std::nullopt;
  return std::move(*text);
}

Value previous_of(const core::RecordState& state, std::string_view field) {
  const Value* value = state.fields.find(field);
  return value != nullptr ? *value : Value();
}

}  // namespace

Result<LocalWriter> LocalWriter::of(WriteSession& session, std::string_view collection) {
  const Result<CollectionEntry*> entry = session.catalog().collection(collection);
  if (!entry) return fail(entry);
  return LocalWriter(session, **entry);
}

core::Operation LocalWriter::make(core::OperationType type, std::string_view id) {
  core::Operation operation;
  operation.node = session_.node();
  operation.type = type;
  operation.collection = collection_.name;
  operation.record = id;
  operation.timestamp = session_.next_timestamp();
  operation.sequence_number = session_.next_sequence_number();
  operation.schema_version = collection_.schema->version;
  operation.transaction_id = session_.transaction_id();
  return operation;
}

Result<std::string> LocalWriter::create(Object record) {
  std::string id;
  if (const Value* given = record.find("id")) {
    if (!given->is_string()) {
      return fail(ErrorCode::invalid_argument, "the \"id\" of a record must be a string");
    }
    id = given->as_string();
    record.erase("id");
  } else {
    id = session_.store().ids().next();
  }
  const Result<bool> created = insert(id, record);
  if (!created) return fail(created);
  if (!*created) {
    return fail(ErrorCode::already_exists, "there is a record \"" + id + "\" in collection \"" +
                                               collection_.name + "\" already");
  }
  return id;
}

Result<bool> LocalWriter::insert(std::string_view id, const Object& record) {
  if (auto good = core::check_name("a record", id); !good) return fail(good);
  if (auto good = check_fields(record); !good) return fail(good);
  core::Operation operation = make(core::OperationType::insert, id);
  if (collection_.has_schema) {
    Result<Object> checked = core::validate_insert(*collection_.schema, record);
    if (!checked) return fail(checked);
    operation.data = std::move(*checked);
  } else {
    operation.data = record;
  }
  std::string data;
  append_json(data, *operation.data);
  const Result<Sha256Digest> digest = digest_of(operation);
  if (!digest) return fail(digest);
  const Result<std::int64_t> key =
      session_.insert_record(collection_, id,
                             {.data = data,
                              .deleted = false,
                              .stamp = core::packed_stamp(operation.timestamp),
                              .node_key = session_.node_key()});
  if (!key) {
    session_.poison(key.error());
    return fail(key);
  }
  if (*key == 0) {
    const auto row = session_.find_record(collection_, id);
    if (!row) return fail(row);
    if (!*row || !(*row)->deleted) return false;
    Result<core::RecordState> state = session_.state_of(**row);
    if (!state) return fail(state);
    operation.base_version = version_text(*state);
    if (auto done = log(id, **row, *state, std::move(operation)); !done) return fail(done);
    return true;
  }
  auto done = session_.append_operation(collection_, *key, operation, *digest, data,
                                        collection_.pending_mask);
  if (!done) {
    session_.poison(done.error());
    return fail(done);
  }
  return true;
}

// Appends the operation and applies it: in place when it is the newest of its record, which it is
// unless the record holds a stamp of the future; by a new fold otherwise.
Result<void> LocalWriter::log(std::string_view id, const RecordRow& row, core::RecordState& state,
                              core::Operation operation) {
  const Result<Sha256Digest> digest = digest_of(operation);
  if (!digest) return fail(digest);
  auto done = session_.append_operation(collection_, row.key, operation, *digest, {},
                                        collection_.pending_mask);
  if (done && core::apply_in_place(state, operation)) {
    std::string data;
    append_json(data, state.fields);
    done = session_.update_record(collection_, id, row,
                                  {.data = data,
                                   .deleted = state.deleted,
                                   .stamp = core::packed_stamp(operation.timestamp),
                                   .node_key = session_.node_key()});
  } else if (done) {
    done = refold(session_, collection_, id, row);
  }
  if (!done) session_.poison(done.error());
  return done;
}

Result<RecordRow> LocalWriter::living(std::string_view id) {
  auto row = session_.find_record(collection_, id);
  if (!row) return fail(row);
  if (!*row || (*row)->deleted) return std::unexpected(no_record(collection_, id));
  return std::move(**row);
}

Result<void> LocalWriter::replace(std::string_view id, Object record) {
  const Result<RecordRow> row = living(id);
  if (!row) return fail(row);
  return replace(id, *row, std::move(record));
}

Result<void> LocalWriter::replace(std::string_view id, const RecordRow& row, Object record) {
  if (const Value* given = record.find("id"); given != nullptr && given->as_string() != id) {
    return fail(ErrorCode::invalid_argument, "the id of a record cannot change");
  }
  record.erase("id");
  if (collection_.has_schema) {
    Result<Object> checked = core::validate_insert(*collection_.schema, record);
    if (!checked) return fail(checked);
    record = std::move(*checked);
  }
  Result<core::RecordState> state = session_.state_of(row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::update, id);
  operation.data.emplace();
  operation.previous_data.emplace();
  for (auto& [field, value] : record) {
    const Value* old = state->fields.find(field);
    if (old != nullptr && *old == value) continue;
    operation.previous_data->append_unchecked(field, previous_of(*state, field));
    operation.data->append_unchecked(field, std::move(value));
  }
  for (const auto& [field, value] : state->fields) {
    if (record.contains(field)) continue;
    operation.data->append_unchecked(field, Value());
    operation.previous_data->append_unchecked(field, value);
    operation.removed.push_back(field);
  }
  return update(id, row, *state, std::move(operation));
}

// An update that changes nothing is not logged.
Result<void> LocalWriter::update(std::string_view id, const RecordRow& row,
                                 core::RecordState& state, core::Operation operation) {
  if (operation.data->empty()) return {};
  if (auto good = check_fields(*operation.data); !good) return good;
  operation.base_version = version_text(state);
  return log(id, row, state, std::move(operation));
}

Result<void> LocalWriter::patch(std::string_view id, const Object& fields) {
  const Result<RecordRow> row = living(id);
  if (!row) return fail(row);
  if (const Value* given = fields.find("id"); given != nullptr && given->as_string() != id) {
    return fail(ErrorCode::invalid_argument, "the id of a record cannot change");
  }
  Object checked = fields;
  checked.erase("id");
  if (collection_.has_schema) {
    Result<Object> valid = core::validate_update(*collection_.schema, checked);
    if (!valid) return fail(valid);
    checked = std::move(*valid);
  }
  Result<core::RecordState> state = session_.state_of(*row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::update, id);
  operation.data.emplace();
  operation.previous_data.emplace();
  for (auto& [field, value] : checked) {
    const Value* old = state->fields.find(field);
    if (old != nullptr && *old == value) continue;
    operation.previous_data->append_unchecked(field, previous_of(*state, field));
    operation.data->append_unchecked(field, std::move(value));
  }
  return update(id, *row, *state, std::move(operation));
}

Result<void> LocalWriter::put(std::string_view id, Object record) {
  record.erase("id");
  const Result<bool> created = insert(id, record);
  if (!created) return fail(created);
  if (*created) return {};
  return replace(id, std::move(record));
}

Result<void> LocalWriter::remove_fields(std::string_view id,
                                        const std::vector<std::string>& fields) {
  const Result<RecordRow> row = living(id);
  if (!row) return fail(row);
  Result<core::RecordState> state = session_.state_of(*row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::update, id);
  operation.data.emplace();
  operation.previous_data.emplace();
  Object left = state->fields;
  for (const std::string& field : fields) {
    const Value* old = state->fields.find(field);
    if (old == nullptr || !left.erase(field)) continue;
    operation.data->append_unchecked(field, Value());
    operation.previous_data->append_unchecked(field, *old);
    operation.removed.push_back(field);
  }
  if (collection_.has_schema) {
    if (auto valid = core::validate_insert(*collection_.schema, left); !valid) return fail(valid);
  }
  return update(id, *row, *state, std::move(operation));
}

Result<void> LocalWriter::remove(std::string_view id) {
  const Result<RecordRow> row = living(id);
  if (!row) return fail(row);
  Result<core::RecordState> state = session_.state_of(*row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::remove, id);
  operation.base_version = version_text(*state);
  return log(id, *row, *state, std::move(operation));
}

Result<void> LocalWriter::restate(std::string_view id, Object fields) {
  const auto row = session_.find_record(collection_, id);
  if (!row) return fail(row);
  if (!*row) return std::unexpected(no_record(collection_, id));
  Result<core::RecordState> state = session_.state_of(**row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::insert, id);
  operation.data = std::move(fields);
  operation.base_version = version_text(*state);
  return log(id, **row, *state, std::move(operation));
}

Result<void> LocalWriter::change(std::string_view id, std::string_view field,
                                 core::AtomicOperation atomic) {
  const bool counts =
      atomic.kind != core::AtomicKind::append && atomic.kind != core::AtomicKind::remove;
  if (counts && !atomic.value.is_number()) {
    return fail(ErrorCode::invalid_argument,
                "cannot change \"" + std::string(field) + "\" by something that is no number");
  }
  if (field.empty() || field == "id") {
    return fail(ErrorCode::invalid_argument, "\"" + std::string(field) + "\" cannot be changed");
  }
  const Result<RecordRow> row = living(id);
  if (!row) return fail(row);
  Result<core::RecordState> state = session_.state_of(*row);
  if (!state) return fail(state);
  core::Operation operation = make(core::OperationType::update, id);
  operation.data.emplace();
  operation.data->append_unchecked(std::string(field),
                                   core::apply_atomic(atomic, state->fields.find(field)));
  if (collection_.has_schema) {
    auto valid = core::validate_update(*collection_.schema, *operation.data);
    if (!valid) return fail(valid);
  }
  operation.previous_data.emplace();
  operation.previous_data->append_unchecked(std::string(field), previous_of(*state, field));
  operation.atomic.push_back({std::string(field), std::move(atomic)});
  return update(id, *row, *state, std::move(operation));
}

Result<void> LocalWriter::import_record(const Object& record, ImportOptions::Existing existing,
                                        ImportSummary& summary) {
  const Value* given = record.find("id");
  if (given != nullptr && !given->is_string()) {
    return fail(ErrorCode::invalid_argument, "the \"id\" of a record must be a string");
  }
  const std::string id =
      given != nullptr ? std::string(given->as_string()) : session_.store().ids().next();
  Object fields = record;
  fields.erase("id");
  const Result<bool> created = insert(id, fields);
  if (!created) return fail(created);
  if (*created) {
    ++summary.created;
    return {};
  }
  if (existing == ImportOptions::Existing::fail) {
    return fail(ErrorCode::already_exists, "there is a record \"" + id + "\" in collection \"" +
                                               collection_.name + "\" already");
  }
  const std::int64_t before = session_.operation_count();
  Result<void> done;
  if (existing == ImportOptions::Existing::replace) done = replace(id, std::move(fields));
  if (existing == ImportOptions::Existing::patch) done = patch(id, fields);
  ++(session_.operation_count() > before ? summary.changed : summary.skipped);
  return done;
}

}  // namespace tombolo::client
