// A Tombolo database: one SQLite file that holds collections of JSON records and the log of their
// changes, works without a network, and exchanges changes with remotes when there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/collection.h"
#include "tombolo/event.h"
#include "tombolo/ledger.h"
#include "tombolo/remote.h"
#include "tombolo/result.h"
#include "tombolo/transaction.h"

namespace tombolo {

class Database;
struct OpenOptions;

namespace client {
struct Environment;
Result<Database> open_database(const std::string& path, const OpenOptions& options,
                               const Environment& environment);
}  // namespace client

enum class Durability {
  full,     // what was committed survives a power loss
  relaxed,  // survives a crash of the process; a power loss may take the last commits, never more
};

struct OpenOptions {
  Durability durability = Durability::full;
  bool create = true;  // make the file when there is none; otherwise: not_found
  // How long a write waits for another process that writes, in ms: 0 to 86,400,000.
  std::int64_t busy_timeout_ms = 5'000;
  // Once somebody observes or a remote is connected: how long there is at least between two looks
  // at what another process wrote, in ms, at least 1; and at most, where the system does not tell
  // of writes.
  std::int64_t watch_interval_ms = 50;
};

struct CollectionInfo {
  std::string name;
  std::int64_t records = 0;
  bool has_schema = false;
};

// Counted from the log at the moment of the question.
struct DatabaseStatus {
  std::string node;             // this device's id in the log
  std::int64_t operations = 0;  // in the log
  std::int64_t pending = 0;     // operations that some known remote has not acknowledged
  std::int64_t losses = 0;      // neither restored nor dismissed
  std::int64_t dead_letters = 0;
  std::vector<RemoteStatus> remotes;  // those connected now, and those known from before (offline)
};

// One line of the log.
struct OperationInfo {
  std::string id;
  std::string type;  // "insert", "update", "delete"
  std::string collection;
  std::string record;
  std::string node;       // the author
  std::string timestamp;  // "wall:counter:node"
  bool pending = false;   // some remote has not acknowledged it
};

// Move-only owner of the open file. All functions but close(), the destructor and moves are safe
// from many threads at once. Several Databases, in several processes, may have one file open. A
// process that dies at any moment loses nothing that was committed.
class Database {
 public:
  // Errors: invalid_argument (no path of a file, an option out of its range), not_found (create is
  // off), storage, corrupt (not one of ours), unsupported (written by a newer version), busy.
  static Result<Database> open(const std::string& path, const OpenOptions& options = {});

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();  // close()

  // Disconnects the remotes, ends callbacks and closes the file. Handles that are left answer
  // precondition_failed from then on. A transaction that this thread has open can still be ended.
  // Not from a callback.
  void close();

  const std::string& path() const;

  Collection collection(std::string_view name) const;
  Result<std::vector<CollectionInfo>> collections() const;  // by name

  // Begins a transaction over any collections (transaction.h).
  Result<Transaction> begin() const;

  // Runs `work` in a transaction: commits when it succeeds, rolls back when it fails.
  Result<void> transaction(const std::function<Result<void>(Transaction&)>& work) const;

  // Remembers the remote under its name and starts exchanging in the background. Errors:
  // invalid_argument (the URL, or credentials that a remote of its kind does not take),
  // already_exists (a remote of that name is connected), precondition_failed (a collection belongs
  // to another remote; the name is known with another kind or other collections: forget_remote()
  // first; the Database is closed), limit_exceeded (62 remotes). An unreachable server is no error:
  // see Remote::status().
  Result<Remote> connect(const RemoteOptions& options) const;
  std::vector<Remote> remotes() const;  // those connected

  // Forgets a remote that is not connected, with its cursors: what is pending for it no longer is.
  // Errors: not_found, precondition_failed (it is connected).
  Result<void> forget_remote(std::string_view name) const;

  Result<DatabaseStatus> status() const;

  [[nodiscard]] Subscription subscribe(std::function<void(const Event&)> callback) const;

  // The loss ledger, oldest first. Restoring writes the losing value as a change of its own;
  // dismissing takes the entry off the list. Errors: not_found; of restoring precondition_failed,
  // when the record of a lost field was removed meanwhile.
  Result<std::vector<Loss>> losses() const;
  Result<void> restore_loss(std::int64_t id) const;
  Result<void> dismiss_loss(std::int64_t id) const;

  // The dead letters, oldest first. Retrying makes the operation pending again; discarding gives
  // it up and takes the change back on this device. Errors: not_found; of discarding
  // precondition_failed, when another remote has the change already.
  Result<std::vector<DeadLetter>> dead_letters() const;
  Result<void> retry_dead_letter(std::int64_t id) const;
  Result<void> discard_dead_letter(std::int64_t id) const;

  // The newest operations of the log, newest first; of one collection, or of one record, when
  // these are given.
  Result<std::vector<OperationInfo>> operations(std::int64_t limit,
                                                std::string_view collection = {},
                                                std::string_view record = {}) const;

 private:
  friend Result<Database> client::open_database(const std::string& path, const OpenOptions& options,
                                                const client::Environment& environment);
  explicit Database(std::shared_ptr<client::Engine> engine);

  std::shared_ptr<client::Engine> engine_;
};

}  // namespace tombolo
