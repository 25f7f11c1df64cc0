// What a storage back end does for the server: rows of objects, the operation log and the counters
// that belong to both, in transactions. The rules of the data (timestamps, the fold, what a delete
// takes along) live above it, in changes.h and record_log.h, and are the same for all back ends.
//
// Objects of every kind are rows of one shape. For a record, `data` is what the fold of its
// operations gives. Deleted objects stay as tombstones. A collection or record that was deleted
// with what contains it is purged: invisible, but its row stays as the anchor of its operations and
// of its former lives, because replicas hold them for ever.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/fingerprint.h"
#include "core/hlc.h"
#include "core/operation.h"
#include "core/version_vector.h"
#include "server/resource.h"
#include "server/storage/list_query.h"
#include "server/storage/permission_set.h"

#include "tombolo/result.h"

namespace tombolo::server {

using ObjectKey = std::int64_t;  // never 0

enum class ObjectState { alive, deleted, purged };

struct StoredObject {
  ObjectKey key = 0;
  std::string id;
  std::int64_t last_modified = 0;
  ObjectState state = ObjectState::alive;
  std::string data;  // JSON object text without id and last_modified; empty unless alive
  PermissionsKey permissions = kNoPermissions;
  // The newest stamp of a record's operations; only filled in by WriteTransaction::find_row.
  core::Timestamp version;
};

// The same while a list is read; views end with the call.
struct ObjectView {
  ObjectKey key = 0;
  std::string_view id;
  std::int64_t last_modified = 0;
  bool deleted = false;
  std::string_view data;  // empty for a tombstone
  PermissionsKey permissions = kNoPermissions;
};
// Answers whether to go on.
using ObjectVisitor = std::function<bool(const ObjectView&)>;

// An operation as the log gives it; views end with the call.
struct LoggedOperation {
  std::int64_t delivery_sequence = 0;  // 1, 2, 3, ... within the bucket
  std::string_view body;               // the operation's JSON, as its author sent it
  std::string_view node;               // the author (the stamp's node)
  std::string_view collection;
  ObjectState record_state = ObjectState::alive;  // as it is now
  // Of the record's life that the operation belongs to.
  PermissionsKey record_permissions = kNoPermissions;
};
using OperationVisitor = std::function<bool(const LoggedOperation&)>;

struct BucketLog {
  std::int64_t delivery_sequence = 0;  // of the newest operation; also their number
  core::Fingerprint fingerprint;       // of all of them
};

// What a bucket, collection or record was before it was deleted and made anew: the operations of
// the log that were its own then, and who could read them. Lives follow each other without a gap,
// the first starts with the log; what comes after the last is the object's present life.
struct FormerLife {
  std::int64_t last_sequence = 0;               // delivery sequence of its last operation
  PermissionsKey permissions = kNoPermissions;  // at its end
  core::Fingerprint fingerprint;                // of the bucket's log up to there
};

// A node as a bucket knows it. Its sequence number is the highest that came from the node itself:
// what others say that it wrote is data like any other, and tells nothing about its numbers.
struct Author {
  std::int64_t sequence_number = 0;
  std::string principal;  // who it belongs to; empty: nobody said so yet
};

// One snapshot. Belongs to one thread.
class ReadTransaction {
 public:
  virtual ~ReadTransaction() = default;

  // The object or its tombstone; nothing when it never was, or was purged.
  virtual Result<std::optional<StoredObject>> find(const ListPath& list, std::string_view id) = 0;
  Result<std::optional<StoredObject>> find(const ObjectPath& path) {
    return find(path.list, path.id);
  }

  // Calls `visit` on the objects that match, in order.
  virtual Result<void> list(const ListQuery& query, const ObjectVisitor& visit) = 0;

  // How many objects match, without regard to `after` and `limit`.
  virtual Result<std::int64_t> count(const ListQuery& query) = 0;

  // The timestamp of a list, 0 when it was never touched.
  virtual Result<std::int64_t> list_timestamp(const ListPath& list) = 0;

  // Answered from memory; never null, valid until the transaction ends.
  virtual Result<const PermissionSet*> permission_set(PermissionsKey key) = 0;
  // The permission set of a bucket, collection or group that is alive; nothing when there is none.
  // Answered from memory as long as no such object has changed.
  virtual Result<std::optional<PermissionsKey>> permissions_of(const ObjectPath& path) = 0;
  // The sets in which one of `principals` has one of `permissions`.
  virtual Result<std::vector<PermissionsKey>> sets_granting(
      std::span<const std::string_view> permissions, std::span<const std::string> principals) = 0;

  // Grows with every change to the permissions or the existence of a bucket, group or collection.
  virtual std::int64_t permissions_generation() = 0;

  virtual Result<BucketLog> bucket_log(std::string_view bucket) = 0;
  // Which of the server's lives wrote the end of the log; empty: nobody knows, or it is empty.
  virtual Result<std::string> timeline(std::string_view bucket) = 0;
  // Whether the log up to `sequence` is what it was in the life `timeline`.
  virtual Result<bool> continues(std::string_view bucket, std::string_view timeline,
                                 std::int64_t sequence) = 0;
  // The former lives of a bucket or collection, oldest first.
  virtual Result<std::vector<FormerLife>> former_lives(const ObjectPath& path) = 0;
  // A node that wrote in the bucket.
  virtual Result<std::optional<Author>> author(std::string_view bucket, std::string_view node) = 0;
  // Operations of a bucket with a delivery sequence above `after`, in that order, at most `limit`.
  virtual Result<void> operations_after(std::string_view bucket, std::int64_t after,
                                        std::int64_t limit, const OperationVisitor& visit) = 0;
  // All operations of one record, by stamp.
  virtual Result<void> operations_of(ObjectKey record, const OperationVisitor& visit) = 0;
};

// What a row is to become. `id` and `list` of an existing row never change.
struct RowUpdate {
  std::int64_t last_modified = 0;
  ObjectState state = ObjectState::alive;
  std::string_view data;  // empty unless alive
  PermissionsKey permissions = kNoPermissions;
  const core::Timestamp* version = nullptr;  // of a record
};

struct NewLogEntry {
  const core::Operation& operation;
  ObjectKey record = 0;
  std::string_view body;
  // The principal behind the operation, when it comes from its author's own session; empty: it was
  // passed on by somebody else. The server's own operations need none.
  std::string_view author_principal = {};
};

// A transaction that writes. It sees its own writes. What it keeps in memory is put right again
// when a savepoint is undone.
class WriteTransaction : public ReadTransaction {
 public:
  // Grows with every change: tells whether a piece of work has written.
  virtual std::uint64_t write_count() const = 0;

  // The row in whatever state, purged ones included, with `version`.
  virtual Result<std::optional<StoredObject>> find_row(const ListPath& list,
                                                       std::string_view id) = 0;
  virtual Result<ObjectKey> insert_row(const ListPath& list, std::string_view id,
                                       const RowUpdate& row) = 0;
  virtual Result<void> update_row(const ListPath& list, ObjectKey key, const RowUpdate& row) = 0;
  virtual Result<void> erase_row(const ListPath& list, ObjectKey key) = 0;

  // Forgets the timestamp of a list when 0.
  virtual Result<void> set_list_timestamp(const ListPath& list, std::int64_t timestamp) = 0;
  // The lists below a bucket or a collection: groups, collections, records.
  virtual Result<std::vector<ListPath>> lists_below(const ObjectPath& parent) = 0;
  // The rows of a list, tombstones included and purged ones not; at most `limit`, in no order.
  virtual Result<std::vector<ObjectKey>> rows_of(const ListPath& list, std::size_t limit) = 0;
  virtual Result<std::optional<StoredObject>> row(ObjectKey key) = 0;

  virtual Result<PermissionsKey> intern(const PermissionSet& permissions) = 0;

  // Whether the record's log holds the operation (by its id).
  virtual Result<bool> has_operation(ObjectKey record, const core::Operation& operation) = 0;
  // Ends a life of a bucket, collection or record of `bucket` with the log as it stands. Whoever
  // could read it by `permissions` still can, and nobody else.
  virtual Result<void> end_life(std::string_view bucket, ObjectKey object,
                                PermissionsKey permissions) = 0;
  // How many nodes wrote in the bucket.
  virtual Result<std::int64_t> author_count(std::string_view bucket) = 0;
  // What only this server can have put on an operation of its own in the bucket: lets it know them
  // again when it was restored from an older copy and its clients bring them back. It vouches for
  // the id and the sequence number, which the id leaves out.
  virtual std::string seal(std::string_view bucket, const core::Operation& operation) const = 0;
  // Appends to the bucket's log and notes the author; the delivery sequence.
  // The id must be 64 hexadecimal digits and unknown to the record's log.
  virtual Result<std::int64_t> append_operation(std::string_view bucket,
                                                const NewLogEntry& entry) = 0;

  // The number of the server's own next operation in the bucket. Only operations under its node
  // with its seal move it.
  virtual Result<std::int64_t> next_sequence_number(std::string_view bucket) = 0;
  // The server's own hybrid clock, kept with the data: a stamp later than every one before and than
  // `after`.
  virtual Result<core::Timestamp> next_stamp(std::int64_t now_ms, const core::Timestamp* after) = 0;

  // A part that can be undone alone. Calls nest; each ends with release or undo.
  virtual Result<void> begin_savepoint() = 0;
  virtual Result<void> release_savepoint() = 0;
  virtual Result<void> undo_savepoint() = 0;

  // Removes everything: objects, logs, timestamps; delivery sequences start again at 1.
  virtual Result<void> erase_all() = 0;
};

// A connection for reading. Belongs to one thread; one transaction at a time.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<std::unique_ptr<ReadTransaction>> begin() = 0;

  // A snapshot of everything that was committed before the call, as begin() gives one. It is kept
  // until release(), and given again as long as nothing was committed since: beginning one costs
  // as much as a question or two. A snapshot that is kept stands in the way of checkpoints.
  virtual Result<ReadTransaction*> snapshot() = 0;
  virtual void release() = 0;
};

// Moves the log into the file beside the writer, on a connection of its own. Belongs to one thread.
class Checkpointer {
 public:
  virtual ~Checkpointer() = default;
  // Copies what can be copied without waiting for anybody. A failed sync poisons the storage.
  virtual Result<void> run() = 0;
};

// Work on the log between commits.
struct MaintenanceState {
  std::int64_t log_bytes = 0;  // written since the last complete checkpoint
};

class Storage {
 public:
  virtual ~Storage() = default;

  // The node id that the server writes operations under, made when the storage was.
  virtual const std::string& node() const = 0;
  // Names what is written from now on. It is another one each time that the storage is opened, and
  // after everything was erased. Any thread.
  virtual std::string timeline() const = 0;
  // A secret made with the storage, for what the configuration leaves to be made.
  virtual const std::string& secret() const = 0;

  // Any thread.
  virtual Result<std::unique_ptr<Reader>> open_reader() = 0;
  // Another number when something was committed, or is just being committed. Any thread.
  virtual std::uint64_t commit_count() const = 0;
  virtual Result<std::unique_ptr<Checkpointer>> open_checkpointer() = 0;

  // The writer's thread alone. begin_write() starts a transaction that lives until commit() or
  // rollback(). After a failed commit nothing can be written any more (see poison()).
  virtual Result<WriteTransaction*> begin_write() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;
  // Whether the transaction still stands: some failures of the disk end it by themselves.
  virtual bool in_transaction() const = 0;
  virtual const Error* poison() const = 0;

  virtual MaintenanceState maintenance_state() const = 0;
  // Moves the log into the file; `thorough` waits for readers (not long) so that the next commit
  // starts the log from its beginning. Not while a Checkpointer runs.
  virtual Result<void> checkpoint(bool thorough) = 0;
};

}  // namespace tombolo::server
