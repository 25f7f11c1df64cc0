#include "server/operation_batch.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "protocol/operation_json.h"
#include "server/changes.h"
#include "server/collection_schema.h"

namespace tombolo::server {

namespace {

using core::Operation;
using core::OperationType;

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

}  // namespace

OperationBatch::OperationBatch(WriteContext& context, std::string_view bucket,
                               std::span<IncomingOperation> operations, const ApplyOptions& options)
    : context_(context),
      bucket_(bucket),
      incoming_(operations),
      options_(options),
      applied_(operations.size()),
      draft_of_(operations.size()) {}

void OperationBatch::know(const std::string& collection, std::string_view record,
                          const std::optional<StoredObject>& row) {
  add_draft(collection_named(collection), record, row);
}

Result<std::vector<AppliedOperation>> OperationBatch::apply() {
  for (std::size_t index = 0; index < incoming_.size(); ++index) {
    if (Result<void> taken = take(index); !taken) return fail(taken);
  }
  for (Draft& draft : drafts_) {
    if (!draft.must_refold) continue;
    if (Result<void> folded = refold(draft); !folded) return fail(folded);
  }
  for (Draft& draft : drafts_) {
    if (draft.operations.empty()) continue;
    if (Result<void> written = write(draft); !written) return fail(written);
  }
  for (std::size_t index = 0; index < incoming_.size(); ++index) {
    if (draft_of_[index] == nullptr) continue;
    const Result<std::int64_t> sequence = log(index);
    if (!sequence) return fail(sequence);
    applied_[index].delivery_sequence = *sequence;
    applied_[index].last_modified = draft_of_[index]->last_modified;
  }
  return std::move(applied_);
}

StoredObject OperationBatch::take_first_row() {
  Draft& draft = drafts_.front();
  TOMBOLO_CHECK(draft.key != 0, "a row is asked for that no operation has changed");
  return {.key = draft.key,
          .id = std::string(draft.id),
          .last_modified = draft.last_modified,
          .state = draft.written_state,
          .data = std::move(draft.data),
          .permissions = draft.permissions,
          .version = draft.state.version};
}

OperationBatch::Collection& OperationBatch::collection_named(const std::string& name) {
  const auto known = collections_.find(name);
  if (known != collections_.end()) return known->second;
  return collections_.emplace(name, Collection{ListPath::records(bucket_, name), {}}).first->second;
}

Result<OperationBatch::Draft*> OperationBatch::draft_of(const Operation& operation) {
  Collection& collection = collection_named(operation.collection);
  const auto known = drafts_by_record_.find({&collection, operation.record});
  if (known != drafts_by_record_.end()) return known->second;
  Result<std::optional<StoredObject>> row =
      context_.transaction().find_row(collection.list, operation.record);
  if (!row) return fail(row);
  return &add_draft(collection, operation.record, *row);
}

OperationBatch::Draft& OperationBatch::add_draft(Collection& collection, std::string_view record,
                                                 const std::optional<StoredObject>& row) {
  Draft& draft = drafts_.emplace_back();
  draft.collection = &collection;
  draft.id = record;
  draft.row = row;
  if (row) {
    draft.state.exists = true;
    draft.state.deleted = row->state != ObjectState::alive;
    draft.state.version = draft.newest = row->version;
  }
  drafts_by_record_.emplace(std::pair(&collection, record), &draft);
  return draft;
}

Result<const core::CollectionSchema*> OperationBatch::schema_of(Collection& collection) {
  if (!collection.schema) {
    Result<core::CollectionSchema> schema = stored_schema(context_.transaction(), collection.list);
    if (!schema) return fail(schema);
    collection.schema = std::move(*schema);
  }
  return &*collection.schema;
}

Result<void> OperationBatch::take(std::size_t index) {
  const Operation& operation = incoming_[index].operation;
  const Result<Draft*> draft = draft_of(operation);
  if (!draft) return fail(draft);
  const Result<bool> known = is_known(**draft, operation);
  if (!known) return fail(known);
  applied_[index].duplicate = *known;
  if (*known) return {};
  const bool begins_anew = is_of_new_life(**draft, operation);
  if (incoming_[index].only_in_new_life && !begins_anew) {
    applied_[index].denied = true;
    applied_[index].refusal =
        "record \"" + operation.record + "\" was deleted, and you may only create it anew";
    return {};
  }
  // What is logged already stays valid, whatever became of the schema: hence after the above.
  Result<std::string> refusal = refusal_of(**draft, operation);
  if (!refusal) return fail(refusal);
  applied_[index].refusal = std::move(*refusal);
  if (!applied_[index].refusal.empty()) return {};
  (*draft)->begins_anew = begins_anew;
  (*draft)->operations.push_back(index);
  draft_of_[index] = *draft;
  new_ids_.insert(operation.id);
  return advance(**draft, operation);
}

bool OperationBatch::is_of_new_life(const Draft& draft, const Operation& operation) {
  if (draft.begins_anew) return true;
  return draft.row && draft.row->state != ObjectState::alive &&
         operation.type == OperationType::insert && operation.timestamp > draft.row->version;
}

Result<std::string> OperationBatch::refusal_of(const Draft& draft, const Operation& operation) {
  const bool purged = draft.row && draft.row->state == ObjectState::purged && !draft.begins_anew;
  const bool begins = operation.type == OperationType::insert && operation.timestamp > draft.newest;
  if (purged && !begins && operation.type != OperationType::remove) {
    return "record \"" + operation.record +
           "\" was deleted with its collection; create it anew to write to it";
  }
  if (!options_.validate) return std::string();
  const Result<const core::CollectionSchema*> schema = schema_of(*draft.collection);
  if (!schema) return fail(schema);
  Result<void> valid = check_against(**schema, operation);
  return valid ? std::string() : std::move(valid.error().message);
}

Result<bool> OperationBatch::is_known(const Draft& draft, const Operation& operation) {
  if (!draft.state.exists || operation.timestamp > draft.newest) return false;
  if (new_ids_.contains(operation.id)) return true;
  if (!draft.row || operation.timestamp > draft.row->version) return false;
  return context_.transaction().has_operation(draft.row->key, operation);
}

// Applies the operation in place if that can be; else notes that the record must be folded again.
Result<void> OperationBatch::advance(Draft& draft, const Operation& operation) {
  core::RecordState& state = draft.state;
  const bool is_newest = !state.exists || operation.timestamp > draft.newest;
  if (is_newest) draft.newest = operation.timestamp;
  // The fields of a deleted record are only in its log.
  const bool revives = state.deleted && operation.type == OperationType::update;
  draft.must_refold |= revives || !is_newest;
  if (draft.must_refold) return {};
  // The row's fields are of use to the first operation alone: after it the state has its own, also
  // when it began over a deleted record, whose row has none.
  const bool has_fields = std::exchange(draft.has_fields, true);
  if (draft.row && !state.deleted && !has_fields) {
    Result<Value> fields = parse_json(draft.row->data);
    if (!fields) return fail(fields);
    if (Object* object = fields->if_object(); object != nullptr) state.fields = std::move(*object);
  }
  draft.must_refold = !core::apply_in_place(state, operation);
  return {};
}

// Folds the record from its log and its new operations.
Result<void> OperationBatch::refold(Draft& draft) {
  context_.count_refold();
  const Result<const core::CollectionSchema*> schema = schema_of(*draft.collection);
  if (!schema) return fail(schema);
  std::vector<Operation> operations;
  std::optional<Error> damage;
  const auto add = [&](const LoggedOperation& logged) {
    Result<Operation> operation = protocol::parse_operation_json(logged.body);
    if (!operation) {
      damage = Error{ErrorCode::corrupt, "an operation of record " + std::string(draft.id) +
                                             " cannot be read: " + operation.error().message};
      return false;
    }
    operations.push_back(std::move(*operation));
    return true;
  };
  if (draft.row) {
    Result<void> read = context_.transaction().operations_of(draft.row->key, add);
    if (!read) return read;
    if (damage) return std::unexpected(std::move(*damage));
  }
  for (const std::size_t index : draft.operations) operations.push_back(incoming_[index].operation);
  draft.state = core::fold(**schema, core::RecordState{}, operations).state;
  return {};
}

// Writes the row that the state asks for.
Result<void> OperationBatch::write(Draft& draft) {
  WriteTransaction& transaction = context_.transaction();
  const ListPath& list = draft.collection->list;
  const std::optional<StoredObject>& row = draft.row;
  const bool alive = draft.state.alive();
  const bool stays_purged =
      row && row->state == ObjectState::purged && !alive && !draft.begins_anew;
  const bool was_alive = row && row->state == ObjectState::alive;
  if (alive) draft.data = stored_text(draft.state.fields);
  RowUpdate update;
  update.state = stays_purged ? ObjectState::purged
                 : alive      ? ObjectState::alive
                              : ObjectState::deleted;
  update.data = draft.data;
  update.version = &draft.state.version;
  // An update that brings a record back leaves it to its readers; an insert makes it its author's,
  // and stays the author's business when the record is deleted again in the same batch.
  const bool begins = !was_alive && (!row || draft.begins_anew);
  update.permissions = options_.permissions.value_or(begins ? options_.new_record_permissions
                                                     : row  ? row->permissions
                                                            : kNoPermissions);
  if (row && begins && update.permissions != row->permissions) {
    Result<void> ended = transaction.end_life(bucket_, row->key, row->permissions);
    if (!ended) return ended;
  }
  if (!stays_purged) {
    const Result<std::int64_t> timestamp = transaction.list_timestamp(list);
    if (!timestamp) return fail(timestamp);
    std::optional<std::int64_t> current;
    if (was_alive) current = row->last_modified;
    update.last_modified =
        next_last_modified(*timestamp, context_.now_ms(), current, options_.forced_last_modified);
    Result<void> moved =
        transaction.set_list_timestamp(list, std::max(*timestamp, update.last_modified));
    if (!moved) return moved;
  }
  draft.written_state = update.state;
  draft.last_modified = update.last_modified;
  draft.permissions = update.permissions;
  if (row) {
    draft.key = row->key;
    return transaction.update_row(list, row->key, update);
  }
  const Result<ObjectKey> key = transaction.insert_row(list, draft.id, update);
  if (!key) return fail(key);
  draft.key = *key;
  return {};
}

Result<std::int64_t> OperationBatch::log(std::size_t index) {
  const Draft& draft = *draft_of_[index];
  const PermissionsKey permissions = options_.permissions.value_or(
      draft.row ? draft.row->permissions : options_.new_record_permissions);
  IncomingOperation& incoming = incoming_[index];
  const bool is_author = incoming.operation.node == options_.author_node;
  return log_operation(context_, draft.collection->list, draft.key, permissions, incoming.operation,
                       std::move(incoming.body),
                       is_author ? options_.author_principal : std::string_view());
}

}  // namespace tombolo::server
