// The writer's transaction on SQLite. Counters that many writes of one transaction move (timestamps
// of lists, delivery sequences, fingerprints, version vectors, the clock) are kept in memory and
// written once, before the commit or the next savepoint.
//
// sqlite_write.cpp has the transaction, the objects and their lists; sqlite_write_log.cpp the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "server/storage/sqlite_reads.h"
#include "server/storage/sqlite_tables.h"
#include "store/id.h"

namespace tombolo::server {

class SqliteWrite final : public SqliteReads<WriteTransaction> {
 public:
  SqliteWrite(SqliteTables& tables, std::string node, std::string secret, std::string life)
      : SqliteReads(tables),
        clock_(std::move(node)),
        secret_(std::move(secret)),
        life_(std::move(life)) {}

  // As Storage::timeline().
  std::string own_timeline() const { return life_ + "-" + std::to_string(erased_.load()); }

  // Around each transaction.
  Result<void> start();
  Result<void> flush();    // writes what is only in memory; before the commit
  void drop_savepoints();  // before a rollback of the whole
  void forget();           // after a rollback

  std::uint64_t write_count() const override { return write_count_; }
  Result<std::int64_t> list_timestamp(const ListPath& list) override;
  Result<BucketLog> bucket_log(std::string_view bucket) override;
  Result<std::optional<Author>> author(std::string_view bucket, std::string_view node) override;
  Result<std::optional<StoredObject>> find_row(const ListPath& list, std::string_view id) override;
  Result<ObjectKey> insert_row(const ListPath& list, std::string_view id,
                               const RowUpdate& row) override;
  Result<void> update_row(const ListPath& list, ObjectKey key, const RowUpdate& row) override;
  Result<void> erase_row(const ListPath& list, ObjectKey key) override;
  Result<void> set_list_timestamp(const ListPath& list, std::int64_t timestamp) override;
  Result<std::vector<ListPath>> lists_below(const ObjectPath& parent) override;
  Result<std::vector<ObjectKey>> rows_of(const ListPath& list, std::size_t limit) override;
  Result<std::optional<StoredObject>> row(ObjectKey key) override;
  Result<PermissionsKey> intern(const PermissionSet& permissions) override;
  Result<void> end_life(std::string_view bucket, ObjectKey object,
                        PermissionsKey permissions) override;
  Result<std::int64_t> author_count(std::string_view bucket) override;
  std::string seal(std::string_view bucket, const core::Operation& operation) const override;
  Result<bool> has_operation(ObjectKey record, const core::Operation& operation) override;
  Result<std::int64_t> append_operation(std::string_view bucket, const NewLogEntry& entry) override;
  Result<std::int64_t> next_sequence_number(std::string_view bucket) override;
  Result<core::Timestamp> next_stamp(std::int64_t now_ms, const core::Timestamp* after) override;
  Result<void> begin_savepoint() override;
  Result<void> release_savepoint() override;
  Result<void> undo_savepoint() override;
  Result<void> erase_all() override;

 private:
  struct ListState {
    std::int64_t key = 0;
    std::int64_t last_modified = 0;
    bool dirty = false;
  };
  struct AuthorState {
    std::optional<Author> author;  // nothing: unknown in the bucket
    bool dirty = false;
  };
  struct LogState {
    std::int64_t key = 0;
    BucketLog log;
    std::int64_t own_sequence_number = 0;
    std::int64_t author_count = 0;
    std::int64_t flushed_sequence = 0;
    std::string timeline;  // of the newest operation that was flushed
    bool dirty = false;
    std::unordered_map<std::int64_t, AuthorState> authors;  // by node key; those asked for
    std::vector<std::int64_t> dirty_authors;
  };
  // What a UUID must be above to be in no row of a list.
  struct HighestId {
    UuidBytes id{};
    bool known = false;  // that there is one at all
  };
  struct VersionColumns {
    std::optional<std::int64_t> stamp;
    std::optional<std::int64_t> node;
  };

  Result<ListState*> list_state(const ListPath& list);
  Result<LogState*> log_state(std::string_view bucket);
  Result<void> load_log(LogState& state, std::string_view bucket);
  Result<void> make_log(LogState& state, std::string_view bucket);
  Result<AuthorState*> author_state(LogState& state, std::int64_t node_key);
  Result<void> note_author(LogState& state, std::int64_t node_key, const NewLogEntry& entry);
  Result<std::optional<std::int64_t>> known_node_key(std::string_view node);
  Result<std::int64_t> node_key(std::string_view node);
  // The key of a text in a dictionary, which is added when it is new.
  Result<std::int64_t> dictionary_key(const char* select, const char* insert,
                                      std::string_view text);
  // Whether no row of the list can have this id, without a search.
  Result<bool> is_beyond_all(std::int64_t list_key, const store::StoredId& id);
  Result<VersionColumns> version_columns(const core::Timestamp* version);
  Result<std::optional<StoredObject>> only_row(store::Rows rows);
  void note_write(const ListPath& list);
  Result<void> flush_log(LogState& state);
  Result<void> flush_timeline(LogState& state);

  core::HybridLogicalClock clock_;
  const std::string secret_;
  const std::string life_;                // this opening of the storage
  std::atomic<std::int64_t> erased_ = 0;  // how often everything was
  bool clock_dirty_ = false;
  std::int64_t clock_reserved_ms_ = 0;  // up to where it is on the disk
  bool permissions_dirty_ = false;
  std::uint64_t write_count_ = 0;
  std::string uri_;  // of what is asked about; kept for its memory
  TextMap<ListState> lists_;
  std::vector<ListState*> dirty_lists_;
  TextMap<LogState> logs_;
  std::vector<LogState*> dirty_logs_;
  TextMap<std::int64_t> node_keys_;
  TextMap<PermissionsKey> set_keys_;
  std::unordered_map<std::int64_t, HighestId> highest_ids_;  // by list key
  std::vector<store::Savepoint> savepoints_;
};

}  // namespace tombolo::server
