#include "client/local_writes.h"

#include "base/json.h"
#include "base/text.h"
#include "client/refold.h"
#include "core/merge.h"
#include "core/name_lookup.h"
#include "core/names.h"

namespace tombolo::client {
namespace {

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

Result<void> check_same_id(const Object& fields, std::string_view id) {
  const Value* given = fields.find("id");
  if (given == nullptr || given->as_string() == id) return {};
  return fail(ErrorCode::invalid_argument, "the id of a record cannot change");
}

void erase_field(core::Operation& operation, const Member& old) {
  operation.data->append_unchecked(old.key, Value());
  operation.previous_data->append_unchecked(old.key, old.value);
  operation.removed.push_back(old.key);
}

// Sets those of `fields` that have another value in the record.
void set_fields(core::Operation& operation, const core::FieldLookup& record, Object&& fields) {
  for (auto& [field, value] : fields) {
    const Value* old = record.find(field);
    if (old != nullptr && *old == value) continue;
    operation.previous_data->append_unchecked(field, old != nullptr ? *old : Value());
    operation.data->append_unchecked(field, std::move(value));
  }
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

Result<bool> LocalWriter::insert(std::string_view id, Object& record) {
  if (auto good = core::check_name("a record", id); !good) return fail(good);
  if (auto good = check_fields(record); !good) return fail(good);
  core::Operation operation = make(core::OperationType::insert, id);
  if (collection_.has_schema) {
    Result<Object> checked = core::validate_insert(*collection_.schema, record);
    if (!checked) return fail(checked);
    operation.data = std::move(*checked);
  } else {
    operation.data = std::move(record);
  }
  stamp(operation);
  const std::string_view data = record_text(*operation.data);
  const Result<std::int64_t> key =
      session_.insert_record(collection_, id, version(data, operation));
  if (!key) return poison(key.error());
  if (*key != 0) {
    if (auto done = append(*key, operation, data); !done) return fail(done);
    return true;
  }
  auto row = session_.find_record(collection_, id);
  if (!row) return fail(row);
  if (!*row || !(*row)->deleted) {
    if (!collection_.has_schema) record = std::move(*operation.data);
    return false;
  }
  if (auto done = write_over(std::move(**row), std::move(operation)); !done) return fail(done);
  return true;
}

std::string_view LocalWriter::record_text(const Object& fields) {
  std::string& text = session_.texts().record;
  text.clear();
  append_json(text, fields);
  return text;
}

std::unexpected<Error> LocalWriter::poison(const Error& error) {
  session_.poison(error);
  return std::unexpected(error);
}

void LocalWriter::stamp(core::Operation& operation) {
  operation.timestamp = session_.next_timestamp();
  operation.sequence_number = session_.next_sequence_number();
}

NewVersion LocalWriter::version(std::string_view data, const core::Operation& operation) const {
  return {.data = data,
          .deleted = operation.type == core::OperationType::remove,
          .stamp = core::packed_stamp(operation.timestamp),
          .node_key = session_.node_key()};
}

Result<void> LocalWriter::append(std::int64_t record_key, const core::Operation& operation,
                                 std::string_view data) {
  const Result<Sha256Digest> digest = core::operation_digest(operation, session_.texts().canonical);
  if (!digest) return poison(digest.error());
  auto done = session_.append_operation(collection_, record_key, operation, *digest, data,
                                        collection_.pending_mask);
  if (!done) return poison(done.error());
  return {};
}

// Appends the operation and applies it: in place when there is nothing to merge, as mostly; by a
// new fold otherwise. It is later than everything in the record, however slow this device's clock
// is: what somebody changes having seen it is changed.
Result<void> LocalWriter::write(Draft& draft) {
  core::Operation& operation = draft.operation;
  if (core::packed_stamp(operation.timestamp) <= draft.row.stamp) {
    operation.timestamp = session_.next_timestamp_after(draft.state.version);
  }
  operation.base_version = version_text(draft.state);
  if (auto done = append(draft.row.key, operation, {}); !done) return done;
  Result<void> done;
  if (core::apply_in_place(draft.state, operation)) {
    const std::string_view data = record_text(draft.state.fields);
    done =
        session_.update_record(collection_, operation.record, draft.row, version(data, operation));
  } else {
    done = refold(session_, collection_, operation.record, draft.row);
  }
  if (!done) return poison(done.error());
  return {};
}

Result<LocalWriter::Draft> LocalWriter::draft(core::OperationType type, std::string_view id) {
  auto row = session_.find_record(collection_, id);
  if (!row) return fail(row);
  if (!*row || (*row)->deleted) return std::unexpected(no_record(collection_, id));
  Result<core::RecordState> state = session_.state_of(**row);
  if (!state) return fail(state);
  Draft draft{std::move(**row), std::move(*state), make(type, id)};
  if (type == core::OperationType::update) {
    draft.operation.data.emplace();
    draft.operation.previous_data.emplace();
  }
  return draft;
}

// An update that changes nothing is not logged.
Result<void> LocalWriter::update(Draft& draft) {
  if (draft.operation.data->empty()) return {};
  if (auto good = check_fields(*draft.operation.data); !good) return good;
  stamp(draft.operation);
  return write(draft);
}

Result<void> LocalWriter::replace(std::string_view id, Object record) {
  Result<Draft> change = draft(core::OperationType::update, id);
  if (!change) return fail(change);
  if (auto good = check_same_id(record, id); !good) return good;
  record.erase("id");
  if (collection_.has_schema) {
    Result<Object> checked = core::validate_insert(*collection_.schema, record);
    if (!checked) return fail(checked);
    record = std::move(*checked);
  }
  const Object& old = change->state.fields;
  const core::FieldLookup given(record);
  std::vector<const Member*> gone;
  for (const Member& member : old) {
    if (!given.contains(member.key)) gone.push_back(&member);
  }
  set_fields(change->operation, core::FieldLookup(old), std::move(record));
  for (const Member* member : gone) erase_field(change->operation, *member);
  return update(*change);
}

Result<void> LocalWriter::patch(std::string_view id, Object fields) {
  Result<Draft> change = draft(core::OperationType::update, id);
  if (!change) return fail(change);
  if (auto good = check_same_id(fields, id); !good) return good;
  fields.erase("id");
  if (collection_.has_schema) {
    Result<Object> valid = core::validate_update(*collection_.schema, fields);
    if (!valid) return fail(valid);
    fields = std::move(*valid);
  }
  set_fields(change->operation, core::FieldLookup(change->state.fields), std::move(fields));
  return update(*change);
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
  Result<Draft> change = draft(core::OperationType::update, id);
  if (!change) return fail(change);
  const core::NameLookup<std::string> named(fields);
  Object left;
  for (const Member& member : change->state.fields) {
    if (named.contains(member.key)) {
      erase_field(change->operation, member);
    } else if (collection_.has_schema) {
      left.append_unchecked(member.key, member.value);
    }
  }
  if (collection_.has_schema) {
    if (auto valid = core::validate_insert(*collection_.schema, left); !valid) return fail(valid);
  }
  return update(*change);
}

Result<void> LocalWriter::remove(std::string_view id) {
  Result<Draft> change = draft(core::OperationType::remove, id);
  if (!change) return fail(change);
  // So that whoever wrote what we do not know is told of the loss.
  change->operation.previous_data = change->state.fields;
  stamp(change->operation);
  return write(*change);
}

Result<void> LocalWriter::restate(std::string_view id, Object fields) {
  auto row = session_.find_record(collection_, id);
  if (!row) return fail(row);
  if (!*row) return std::unexpected(no_record(collection_, id));
  core::Operation operation = make(core::OperationType::insert, id);
  operation.data = std::move(fields);
  stamp(operation);
  return write_over(std::move(**row), std::move(operation));
}

Result<void> LocalWriter::write_over(RecordRow row, core::Operation operation) {
  Result<core::RecordState> state = session_.state_of(row);
  if (!state) return fail(state);
  Draft whole{std::move(row), std::move(*state), std::move(operation)};
  return write(whole);
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
  Result<Draft> change = draft(core::OperationType::update, id);
  if (!change) return fail(change);
  core::Operation& operation = change->operation;
  const Value* old = change->state.fields.find(field);
  operation.data->append_unchecked(std::string(field), core::apply_atomic(atomic, old));
  if (collection_.has_schema) {
    auto valid = core::validate_update(*collection_.schema, *operation.data);
    if (!valid) return fail(valid);
  }
  operation.previous_data->append_unchecked(std::string(field), old != nullptr ? *old : Value());
  operation.atomic.push_back({std::string(field), std::move(atomic)});
  return update(*change);
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
  if (existing == ImportOptions::Existing::patch) done = patch(id, std::move(fields));
  ++(session_.operation_count() > before ? summary.changed : summary.skipped);
  return done;
}

}  // namespace tombolo::client
