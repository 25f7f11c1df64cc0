// One write transaction on a database file: it reads where clock, counters and catalog stand,
// hands out stamps, changes records and appends operations, and writes all of that back with the
// commit. What is written together here is true together after any crash.
//
// Used by one thread, under the write lock that it holds until it ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/local_store.h"
#include "client/writer_lock.h"
#include "core/fingerprint.h"
#include "core/fold.h"
#include "core/hlc.h"
#include "core/operation.h"
#include "store/id.h"
#include "store/transaction.h"

#include "tombolo/result.h"

namespace tombolo::client {

// A row of `records`.
struct RecordRow {
  std::int64_t key = 0;
  std::string data;  // JSON of the fields
  bool deleted = false;
  std::int64_t stamp = 0;
  std::int64_t node_key = 0;
  std::optional<std::string> base;
  std::optional<std::string> base_version;

  // The remote has exactly this record: a change must keep it as the base.
  bool is_base() const { return base_version && !base; }
};

// What a record becomes.
struct NewVersion {
  std::string_view data;
  bool deleted = false;
  std::int64_t stamp = 0;
  std::int64_t node_key = 0;
};

// What a commit did, for those who are to be told.
struct CommitSummary {
  struct Changed {
    std::string collection;
    std::vector<std::string> records;  // empty unless ids were asked for
    std::vector<std::int64_t> keys;    // of the records, some more than once; see has_keys
  };
  std::int64_t revision = 0;
  std::string origin;     // the remote that it came from; empty: this device
  bool has_keys = false;  // `changed` names the keys of all records that changed
  std::vector<Changed> changed;
  std::vector<Changed> conflicts;  // records with new entries in the loss ledger
  std::vector<Changed> rejected;   // records with new dead letters
  bool pending_added = false;      // something is there for remotes to fetch
};

// What a summary is to tell of the records that changed.
struct CommitDetail {
  bool ids = false;
  bool keys = false;
};

core::Timestamp unpack_stamp(std::int64_t stamp, std::string node);

class WriteSession {
 public:
  // The caller has taken `lock`; the session gives it back at its end, or at once when it fails.
  // Takes the file's write lock. Errors: busy, storage, corrupt.
  static Result<std::unique_ptr<WriteSession>> begin(LocalStore& store, WriterLock& lock,
                                                     CommitDetail detail, Durability durability);
  ~WriteSession();
  WriteSession(const WriteSession&) = delete;
  WriteSession& operator=(const WriteSession&) = delete;

  // Ends the session in any case. The summary is handed to `committed` before the lock is given
  // back, so that summaries come in the order of the commits.
  Result<void> commit(const std::function<void(CommitSummary&&)>& committed = {});
  void rollback();
  bool open() const { return transaction_.has_value(); }
  bool wrote() const { return dirty_; }  // whether its commit took a revision
  std::int64_t revision() const { return revision_; }

  // Whether a write has failed halfway, so that commit() will refuse.
  void poison(const Error& error);

  LocalStore& store() { return store_; }
  Catalog& catalog() { return store_.catalog(); }
  const std::string& node() const { return clock_.last().node; }
  std::int64_t node_key() const { return node_key_; }
  std::int64_t wall_ms() const { return store_.environment().clock->wall_ms(); }
  void set_origin(std::string remote) { summary_.origin = std::move(remote); }
  CommitSummary& summary() { return summary_; }

  // A position in the log for an operation that moves there, behind all others.
  std::int64_t take_position();

  // The id that ties the operations of an explicit transaction together; drawn at first use.
  void tie_together() { tied_ = true; }
  std::optional<std::string> transaction_id();

  core::Timestamp next_timestamp() { return clock_.now(std::min(wall_ms(), core::kMaxKeptWallMs)); }
  core::Timestamp next_timestamp_after(const core::Timestamp& timestamp) {
    clock_.advance_to(timestamp);
    return next_timestamp();
  }
  void learn_timestamp(const core::Timestamp& timestamp);
  std::int64_t next_sequence_number() { return ++sequence_number_; }
  std::int64_t operation_count() const { return operation_count_; }  // appended by this session

  Result<std::optional<RecordRow>> find_record(const CollectionEntry& collection,
                                               std::string_view id);
  // 0 when the id exists.
  Result<std::int64_t> insert_record(CollectionEntry& collection, std::string_view id,
                                     const NewVersion& version);
  Result<void> update_record(CollectionEntry& collection, std::string_view id, const RecordRow& row,
                             const NewVersion& version);

  // The record is folded again from its log (refold.h) when the session commits: once, however many
  // operations it got.
  void fold_later(const CollectionEntry& collection, std::int64_t record_key, std::string_view id);
  bool must_fold(std::int64_t record_key) const { return unfolded_.contains(record_key); }

  // Texts that a write makes and the next one overwrites, so that it need not allocate them.
  struct Texts {
    std::string record;
    std::string canonical;
    std::string body;
  };
  Texts& texts() { return texts_; }

  // Appends to the log. `data_json` as append_operation_body. Node and sequence number are noted in
  // the version vector, the id in the fingerprint.
  Result<void> append_operation(CollectionEntry& collection, std::int64_t record_key,
                                const core::Operation& operation, store::Blob id,
                                std::string_view data_json, std::int64_t pending);

  // Notes that the record changed in this transaction.
  void touch(CollectionEntry& collection, std::int64_t record_key, std::string_view id);
  void subtract_fingerprint(CollectionEntry& collection, store::Blob id);
  void note_conflict(const CollectionEntry& collection, std::string_view id);
  void note_rejected(const CollectionEntry& collection, std::string_view id);

  // The operations of a record that are in the log, in the order of their stamps.
  Result<std::vector<core::Operation>> operations_of(const CollectionEntry& collection,
                                                     std::int64_t record_key,
                                                     std::string_view record);
  Result<core::RecordState> state_of(const RecordRow& row);

 private:
  struct Unfolded {
    std::string collection;
    std::string record;
  };
  struct Totals {
    std::int64_t collection_key;
    core::Fingerprint added;
  };

  WriteSession(LocalStore& store, WriterLock& lock);
  Result<void> load_state();
  Result<void> fold_records();
  Result<void> flush();
  core::Fingerprint& fingerprint_of(const CollectionEntry& collection);

  LocalStore& store_;
  WriterLock& lock_;
  std::optional<store::Transaction> transaction_;
  std::optional<Error> poison_;
  CommitDetail detail_;
  bool tied_ = false;
  bool dirty_ = false;
  std::optional<std::string> transaction_id_;
  core::HybridLogicalClock clock_{std::string()};
  std::int64_t node_key_ = 0;
  std::int64_t sequence_number_ = 0;
  std::int64_t operation_count_ = 0;
  std::int64_t position_ = 0;  // of the newest operation that was ever logged
  std::int64_t catalog_version_ = 0;
  std::int64_t revision_ = 0;
  CommitSummary summary_;
  std::vector<Totals> totals_;
  std::map<std::int64_t, Unfolded> unfolded_;            // by record key
  std::unordered_map<std::int64_t, std::int64_t> seen_;  // node key -> sequence number
  Texts texts_;
};

}  // namespace tombolo::client
