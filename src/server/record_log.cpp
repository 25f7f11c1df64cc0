#include "server/record_log.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "core/fold.h"
#include "protocol/operation_json.h"
#include "server/changes.h"

namespace tombolo::server {

namespace {

using core::Operation;
using core::OperationType;
using core::RecordState;

// A record's fields as they are stored: id and last_modified have columns of their own.
std::string stored_text(const Object& fields) {
  std::string text;
  if (!fields.contains("id") && !fields.contains("last_modified")) {
    append_json(text, fields);
    return text;
  }
  Object rest = fields;
  rest.erase("id");
  rest.erase("last_modified");
  append_json(text, rest);
  return text;
}

Result<core::CollectionSchema> schema_of(ReadTransaction& transaction, const ListPath& list) {
  core::CollectionSchema none;
  none.name = list.collection;
  Result<std::optional<StoredObject>> collection =
      transaction.find(ObjectPath::collection(list.bucket, list.collection));
  if (!collection) return fail(collection);
  if (!*collection || (*collection)->state != ObjectState::alive) return none;
  Result<Value> data = parse_json((*collection)->data);
  if (!data) return fail(data);
  const Value& schema = (*data)["schema"];
  if (!schema.is_object()) return none;
  Result<core::CollectionSchema> parsed = core::parse_json_schema(list.collection, schema);
  if (!parsed) return none;  // a schema that says nothing we understand merges nothing specially
  return parsed;
}

// Folds the record again from its log and the new operation.
Result<RecordState> refold(ReadTransaction& transaction, const ListPath& list, ObjectKey record,
                           const Operation& added) {
  Result<core::CollectionSchema> schema = schema_of(transaction, list);
  if (!schema) return fail(schema);
  std::vector<Operation> operations;
  std::optional<Error> damage;
  Result<void> read = transaction.operations_of(record, [&](const LoggedOperation& logged) {
    Result<Operation> operation = protocol::parse_operation_json(logged.body);
    if (!operation) {
      damage = Error{ErrorCode::corrupt, "an operation of record " + added.record +
                                             " cannot be read: " + operation.error().message};
      return false;
    }
    operations.push_back(std::move(*operation));
    return true;
  });
  if (!read) return fail(read);
  if (damage) return std::unexpected(std::move(*damage));
  operations.push_back(added);
  return core::fold(*schema, RecordState{}, operations).state;
}

// What the operation makes of the record.
Result<RecordState> next_state(ReadTransaction& transaction, const ListPath& list,
                               const std::optional<StoredObject>& row, const Operation& operation) {
  RecordState state;
  if (row) {
    state.exists = true;
    state.deleted = row->state != ObjectState::alive;
    state.version = row->version;
    // The fields of a deleted record are only in its log.
    if (state.deleted && operation.type == OperationType::update) {
      return refold(transaction, list, row->key, operation);
    }
    if (!state.deleted && operation.timestamp > state.version) {
      Result<Value> fields = parse_json(row->data);
      if (!fields) return fail(fields);
      if (Object* object = fields->if_object(); object != nullptr)
        state.fields = std::move(*object);
    }
  }
  if (core::apply_in_place(state, operation)) return state;
  return refold(transaction, list, row->key, operation);
}

// Writes the row that the state asks for; gives its key and timestamp.
Result<std::pair<ObjectKey, std::int64_t>> write_record(WriteContext& context, const ListPath& list,
                                                        const std::optional<StoredObject>& row,
                                                        const Operation& operation,
                                                        const RecordState& state,
                                                        const ApplyOptions& options) {
  WriteTransaction& transaction = context.transaction();
  const bool alive = state.alive();
  const bool stays_purged = row && row->state == ObjectState::purged && !alive;
  const bool was_alive = row && row->state == ObjectState::alive;
  const std::string data = alive ? stored_text(state.fields) : std::string();
  RowUpdate update;
  update.state = stays_purged ? ObjectState::purged
                 : alive      ? ObjectState::alive
                              : ObjectState::deleted;
  update.data = data;
  update.version = &state.version;
  update.permissions =
      options.permissions.value_or(was_alive || !alive ? (row ? row->permissions : kNoPermissions)
                                                       : options.new_record_permissions);
  if (!stays_purged) {
    Result<std::int64_t> timestamp = transaction.list_timestamp(list);
    if (!timestamp) return fail(timestamp);
    std::optional<std::int64_t> current;
    if (was_alive) current = row->last_modified;
    update.last_modified =
        next_last_modified(*timestamp, context.now_ms(), current, options.forced_last_modified);
    Result<void> moved =
        transaction.set_list_timestamp(list, std::max(*timestamp, update.last_modified));
    if (!moved) return fail(moved);
  }
  if (!row) {
    Result<ObjectKey> key = transaction.insert_row(list, operation.record, update);
    if (!key) return fail(key);
    return std::pair{*key, update.last_modified};
  }
  Result<void> written = transaction.update_row(list, row->key, update);
  if (!written) return fail(written);
  return std::pair{row->key, update.last_modified};
}

Result<std::int64_t> log_operation(WriteContext& context, const ListPath& list, ObjectKey record,
                                   PermissionsKey permissions, const Operation& operation,
                                   std::string body) {
  Result<std::int64_t> sequence =
      context.transaction().append_operation(list.bucket, {operation, record, body});
  if (!sequence) return sequence;
  context.announce(list.bucket,
                   {*sequence, operation.node, operation.collection, std::move(body), permissions});
  return sequence;
}

Result<AppliedOperation> apply_one(WriteContext& context, const ListPath& list,
                                   const std::optional<StoredObject>& row,
                                   IncomingOperation& incoming, const ApplyOptions& options) {
  WriteTransaction& transaction = context.transaction();
  const Operation& operation = incoming.operation;
  if (row && operation.timestamp <= row->version) {
    Result<bool> known = transaction.has_operation(row->key, operation);
    if (!known) return fail(known);
    if (*known) return AppliedOperation{.duplicate = true};
  }
  Result<RecordState> state = next_state(transaction, list, row, operation);
  if (!state) return fail(state);
  auto written = write_record(context, list, row, operation, *state, options);
  if (!written) return fail(written);
  const PermissionsKey permissions =
      options.permissions.value_or(row ? row->permissions : options.new_record_permissions);
  Result<std::int64_t> sequence = log_operation(context, list, written->first, permissions,
                                                operation, std::move(incoming.body));
  if (!sequence) return fail(sequence);
  return AppliedOperation{false, *sequence, written->second};
}

// The fields that differ, with the values that they had.
void describe_difference(Operation& operation, const Object& before, const Object& after) {
  Object data;
  Object previous;
  for (const Member& member : after) {
    const Value* old = before.find(member.key);
    if (old != nullptr && *old == member.value) continue;
    data.append_unchecked(member.key, member.value);
    previous.append_unchecked(member.key, old != nullptr ? *old : Value());
  }
  for (const Member& member : before) {
    if (after.contains(member.key)) continue;
    data.append_unchecked(member.key, Value());
    previous.append_unchecked(member.key, member.value);
    operation.removed.push_back(member.key);
  }
  operation.type = OperationType::update;
  operation.data = std::move(data);
  operation.previous_data = std::move(previous);
}

// An operation of the server's own on a record, without its content.
Result<Operation> begin_operation(WriteContext& context, const ListPath& list, std::string record,
                                  const StoredObject* row) {
  WriteTransaction& transaction = context.transaction();
  Operation operation;
  operation.node = context.node();
  operation.collection = list.collection;
  operation.record = std::move(record);
  const core::Timestamp* after = row != nullptr ? &row->version : nullptr;
  Result<core::Timestamp> stamp = transaction.next_stamp(context.now_ms(), after);
  if (!stamp) return fail(stamp);
  operation.timestamp = std::move(*stamp);
  Result<std::int64_t> number = transaction.next_sequence_number(list.bucket);
  if (!number) return fail(number);
  operation.sequence_number = *number;
  if (row != nullptr) {
    Result<std::string> version = core::format_timestamp(row->version);
    if (!version) return fail(version);
    operation.base_version = std::move(*version);
  }
  return operation;
}

Result<IncomingOperation> finish_operation(Operation operation) {
  Result<std::string> id = core::operation_id(operation);
  if (!id) return fail(id);
  operation.id = std::move(*id);
  std::string body = protocol::operation_json(operation);
  return IncomingOperation{std::move(operation), std::move(body)};
}

}  // namespace

Result<std::vector<AppliedOperation>> apply_operations(WriteContext& context,
                                                       std::string_view bucket,
                                                       std::span<IncomingOperation> operations,
                                                       const ApplyOptions& options) {
  std::vector<AppliedOperation> applied;
  applied.reserve(operations.size());
  ListPath list = ListPath::records(std::string(bucket), {});
  for (IncomingOperation& incoming : operations) {
    if (list.collection != incoming.operation.collection) {
      list.collection = incoming.operation.collection;
    }
    Result<std::optional<StoredObject>> row =
        context.transaction().find_row(list, incoming.operation.record);
    if (!row) return fail(row);
    Result<AppliedOperation> one = apply_one(context, list, *row, incoming, options);
    if (!one) return fail(one);
    applied.push_back(*one);
  }
  return applied;
}

Result<AppliedOperation> apply_own_change(WriteContext& context, const ObjectPath& record,
                                          const std::optional<StoredObject>& row,
                                          OwnChange change) {
  Result<Operation> operation =
      begin_operation(context, record.list, record.id, row ? &*row : nullptr);
  if (!operation) return fail(operation);
  if (!change.data) {
    operation->type = OperationType::remove;
  } else if (!row || row->state != ObjectState::alive) {
    operation->type = OperationType::insert;
    operation->data = std::move(*change.data);
  } else {
    Result<Value> before = parse_json(row->data);
    if (!before) return fail(before);
    static const Object kNothing;
    const Object* fields = before->if_object();
    describe_difference(*operation, fields != nullptr ? *fields : kNothing, *change.data);
  }
  Result<IncomingOperation> incoming = finish_operation(std::move(*operation));
  if (!incoming) return fail(incoming);
  ApplyOptions options;
  options.permissions = change.permissions;
  options.forced_last_modified = change.forced_last_modified;
  return apply_one(context, record.list, row, *incoming, options);
}

Result<void> purge_record(WriteContext& context, const ListPath& list, const StoredObject& row) {
  RowUpdate update;
  update.state = ObjectState::purged;
  core::Timestamp version = row.version;
  if (row.state == ObjectState::alive) {
    Result<Operation> operation = begin_operation(context, list, row.id, &row);
    if (!operation) return fail(operation);
    operation->type = OperationType::remove;
    Result<IncomingOperation> incoming = finish_operation(std::move(*operation));
    if (!incoming) return fail(incoming);
    version = incoming->operation.timestamp;
    Result<std::int64_t> sequence = log_operation(context, list, row.key, row.permissions,
                                                  incoming->operation, std::move(incoming->body));
    if (!sequence) return fail(sequence);
  }
  update.version = &version;
  return context.transaction().update_row(list, row.key, update);
}

}  // namespace tombolo::server
