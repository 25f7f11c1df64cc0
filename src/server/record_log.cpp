#include "server/record_log.h"

#include <utility>

#include "base/json.h"
#include "protocol/operation_json.h"
#include "server/operation_batch.h"

namespace tombolo::server {

namespace {

using core::Operation;
using core::OperationType;

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
  return operation;
}

Result<void> note_version(Operation& operation, const StoredObject& row) {
  Result<std::string> version = core::format_timestamp(row.version);
  if (!version) return fail(version);
  operation.base_version = std::move(*version);
  return {};
}

// A delete names what it takes away, so that every replica knows whether something else is lost.
Result<void> describe_removal(Operation& operation, const StoredObject& row) {
  operation.type = OperationType::remove;
  Result<Value> before = parse_json(row.data);
  if (!before) return fail(before);
  if (Object* fields = before->if_object(); fields != nullptr) {
    operation.previous_data = std::move(*fields);
  }
  return note_version(operation, row);
}

// To make a record over a tombstone. To other readers than before, nothing is said of what there
// was.
Result<void> describe_insert(Operation& operation, const std::optional<StoredObject>& row,
                             OwnChange& change) {
  operation.type = OperationType::insert;
  operation.data = std::move(*change.data);
  const bool continues =
      row && row->state == ObjectState::deleted && row->permissions == change.permissions;
  return continues ? note_version(operation, *row) : Result<void>();
}

Result<void> describe_update(Operation& operation, const StoredObject& row, const Object& after) {
  Result<Value> before = parse_json(row.data);
  if (!before) return fail(before);
  static const Object kNothing;
  const Object* fields = before->if_object();
  describe_difference(operation, fields != nullptr ? *fields : kNothing, after);
  return note_version(operation, row);
}

Result<IncomingOperation> finish_operation(WriteContext& context, const ListPath& list,
                                           Operation operation) {
  Result<std::string> id = core::operation_id(operation);
  if (!id) return fail(id);
  operation.id = std::move(*id);
  operation.mutation_name = context.transaction().seal(list.bucket, operation);
  std::string body = protocol::operation_json(operation);
  return IncomingOperation{std::move(operation), std::move(body)};
}

}  // namespace

Result<std::int64_t> log_operation(WriteContext& context, const ListPath& list, ObjectKey record,
                                   PermissionsKey permissions, const Operation& operation,
                                   std::string body, std::string_view author_principal) {
  Result<std::int64_t> sequence = context.transaction().append_operation(
      list.bucket, {operation, record, body, author_principal});
  if (!sequence) return sequence;
  context.announce(list.bucket,
                   {*sequence, operation.node, operation.collection, std::move(body), permissions});
  return sequence;
}

Result<std::vector<AppliedOperation>> apply_operations(WriteContext& context,
                                                       std::string_view bucket,
                                                       std::span<IncomingOperation> operations,
                                                       const ApplyOptions& options) {
  return OperationBatch(context, bucket, operations, options).apply();
}

Result<StoredObject> apply_own_change(WriteContext& context, const ObjectPath& record,
                                      const std::optional<StoredObject>& row, OwnChange change) {
  Result<Operation> operation =
      begin_operation(context, record.list, record.id, row ? &*row : nullptr);
  if (!operation) return fail(operation);
  const bool alive = row && row->state == ObjectState::alive;
  Result<void> described;
  if (!alive && !change.data) {
    operation->type = OperationType::remove;
  } else if (!alive) {
    described = describe_insert(*operation, row, change);
  } else if (!change.data) {
    described = describe_removal(*operation, *row);
  } else {
    described = describe_update(*operation, *row, *change.data);
  }
  if (!described) return fail(described);
  Result<IncomingOperation> incoming =
      finish_operation(context, record.list, std::move(*operation));
  if (!incoming) return fail(incoming);
  ApplyOptions options;
  options.permissions = change.permissions;
  options.forced_last_modified = change.forced_last_modified;
  OperationBatch batch(context, record.list.bucket, std::span(&*incoming, 1), options);
  batch.know(record.list.collection, record.id, row);
  const Result<std::vector<AppliedOperation>> applied = batch.apply();
  if (!applied) return fail(applied);
  if (applied->front().delivery_sequence == 0) {
    return fail(ErrorCode::internal, "the server's own change of record " + record.id +
                                         " was not taken: " + applied->front().refusal);
  }
  return batch.take_first_row();
}

Result<void> purge_record(WriteContext& context, const ListPath& list, const StoredObject& row) {
  RowUpdate update;
  update.state = ObjectState::purged;
  update.permissions = row.permissions;
  core::Timestamp version = row.version;
  if (row.state == ObjectState::alive) {
    Result<Operation> operation = begin_operation(context, list, row.id, &row);
    if (!operation) return fail(operation);
    if (Result<void> done = describe_removal(*operation, row); !done) return done;
    Result<IncomingOperation> incoming = finish_operation(context, list, std::move(*operation));
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
