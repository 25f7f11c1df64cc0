// Operations into records: the one way by which operations enter the log, whichever door they come
// through. Each operation is logged once (by its id), the record is folded, and the record's and
// its list's timestamps move, all in the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/operation.h"
#include "core/schema.h"
#include "server/resource.h"
#include "server/storage/storage.h"
#include "server/writer.h"

#include "tombolo/result.h"

namespace tombolo::server {

struct IncomingOperation {
  core::Operation operation;  // checked by the door (check_operation, verify_operation_id)
  std::string body;           // its JSON, relayed and stored as it is
  // Whoever sent it may make the record, which is deleted, anew, and not touch what it was: it is
  // refused unless it, or one before it in the batch, does so.
  bool only_in_new_life = false;
};

struct AppliedOperation {
  bool duplicate = false;  // was there already; nothing changed
  std::string refusal;     // why it may never be applied; nothing changed. Empty: it was
  bool denied = false;     // refused because of only_in_new_life
  std::int64_t delivery_sequence = 0;  // 0 for what changed nothing
  std::int64_t last_modified = 0;      // of the record, afterwards; likewise
};

struct ApplyOptions {
  PermissionsKey new_record_permissions = kNoPermissions;  // of records that this creates
  // Of a record: what it gets instead of what it has (a Kinto write may change both at once).
  std::optional<PermissionsKey> permissions;
  std::optional<std::int64_t> forced_last_modified;  // Kinto's "last_modified" in a write
  bool validate =
      false;  // against the collection's schema; operations that are logged already pass
  // Whose session the operations come from: what this node wrote counts as said by itself.
  std::string_view author_node = {};
  std::string_view author_principal = {};
};

// Applies operations of one bucket; each record is folded and written once, the operations are
// logged in order. `operations` are consumed.
//
// A record that was deleted with its collection begins a new life with an insert later than all
// that came before, or not at all: so that its new readers, who are not shown what it was, fold it
// to the same as who saw both lives. Everything else but deletes is refused for good.
//
// The collections should exist (changes.h: ensure_collection); one that does not is folded without
// a schema and cannot be seen through Kinto until it is created.
Result<std::vector<AppliedOperation>> apply_operations(WriteContext& context,
                                                       std::string_view bucket,
                                                       std::span<IncomingOperation> operations,
                                                       const ApplyOptions& options = {});

// Appends an operation to the log and tells the feed. `author_principal` as in NewLogEntry.
Result<std::int64_t> log_operation(WriteContext& context, const ListPath& list, ObjectKey record,
                                   PermissionsKey permissions, const core::Operation& operation,
                                   std::string body, std::string_view author_principal = {});

// Makes the server's own operation on a record and applies it: the record becomes `data` (an
// insert, or an update of what differs), or goes (no data). `row` is the record's row as it stands;
// gives the row as it is then.
struct OwnChange {
  std::optional<Object> data;
  PermissionsKey permissions = kNoPermissions;
  std::optional<std::int64_t> forced_last_modified;
};
Result<StoredObject> apply_own_change(WriteContext& context, const ObjectPath& record,
                                      const std::optional<StoredObject>& row, OwnChange change);

// Logs the deletion of a record that is alive and hides the record for good (its collection goes).
Result<void> purge_record(WriteContext& context, const ListPath& list, const StoredObject& row);

}  // namespace tombolo::server
