// One connection to one SQLite file, set up the same way everywhere: write-ahead log, our page
// size, checks against hostile files on, double-quoted strings off, extended error codes.
//
// A connection belongs to one thread at a time (SQLITE_OPEN_NOMUTEX); only interrupt() may be
// called from another one. Many connections, in many processes, may open the same file: one writes
// at a time, and readers see the last commit before their own transaction began.
//
// Poisoning: when a commit or a checkpoint fails because of I/O (a failed fsync above all), nobody
// knows what is on the disk. The connection then refuses every later write with that same error;
// reads still work. Close it, repair the cause and open the file again: what was committed before
// is there, the failed transaction is there either whole or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

struct sqlite3;

namespace tombolo::store {

// For the start of a program, before anything else of SQLite is used (later it does nothing): lets
// SQLite not count its memory, which takes a lock of the whole process for every allocation. What
// SQLite can tell about its memory is 0 then, so this is no library's business.
void count_no_memory();

enum class OpenMode {
  create,      // read and write; makes the file if there is none
  read_write,  // read and write; the file must exist
  read_only,
};

enum class Synchronous {
  normal,  // fsync at checkpoints only: a power loss may take the last commits, never the file
  full,    // fsync at each commit: what is committed is on the disk
};

struct OpenOptions {
  OpenMode mode = OpenMode::create;
  std::string vfs = {};  // name of a registered SQLite VFS; empty: the system's own
  Synchronous synchronous = Synchronous::normal;
  int page_size_bytes = 8192;  // of a new file; an existing one keeps its own
  std::int64_t cache_bytes = 64LL * 1024 * 1024;
  // Bytes of the file to read through a memory map. With a map, a failing disk or a file that
  // somebody truncates raises SIGBUS instead of an error.
  std::int64_t mmap_bytes = 0;
  // Whether indexes of the file may call functions that SQLite does not know to be harmless, which
  // json_extract() is one of in some versions. Then define no function that does harm.
  bool trusted_schema = false;
  int busy_timeout_ms = 5000;           // how long to wait for another connection's lock
  int wal_autocheckpoint_pages = 1000;  // 0: the owner calls checkpoint()
};

enum class CheckpointMode {
  passive,   // what is possible without waiting for anybody
  full,      // waits for writers, then copies everything
  restart,   // and waits for readers, so that the next writer starts the log from its beginning
  truncate,  // and cuts the log file to nothing
};

struct CheckpointResult {
  int wal_pages = 0;     // pages in the log
  int copied_pages = 0;  // of them now in the database file
  bool complete() const { return copied_pages == wal_pages; }
};

struct ConnectionState;

class Connection {
 public:
  // `path` is a file name, never a URI; ":memory:" is a private database in memory.
  //
  // Errors: storage (cannot open, with the system's reason), corrupt (not a database), busy,
  // invalid_argument (empty path, unknown VFS).
  static Result<Connection> open(const std::string& path, const OpenOptions& options = {});

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();  // statements of it may be destroyed later, but no longer used

  const std::string& path() const;
  bool read_only() const;
  sqlite3* handle() const;  // for hooks and whatever this class does not wrap

  // Runs one or more statements and ignores their rows.
  Result<void> execute(std::string_view sql);

  std::int64_t changes() const;            // rows that the last write changed
  std::int64_t last_insert_rowid() const;  // of this connection
  bool in_transaction() const;

  // Of the file to which commits are written first (SQLite's write-ahead log).
  std::string log_path() const;

  // Changes whenever another connection has committed to the file; its own commits do not count.
  Result<std::int64_t> data_version();

  // Errors: busy (modes beyond passive: somebody held a lock for longer than busy_timeout_ms; what
  // could be copied is copied), storage.
  Result<CheckpointResult> checkpoint(CheckpointMode mode);

  // Writes the write-ahead log over itself and syncs it. After a sync that failed, the system shows
  // what it never wrote, and syncs that succeed later do not write it either. A commit behind such
  // a part is lost with it, and a checkpoint of it that is cut short damages the file. For the
  // first connection after a start. Errors: busy, storage.
  Result<void> rewrite_log();

  // Pages in the write-ahead log after this connection's last commit; 0 after a complete
  // checkpoint.
  int wal_pages() const;

  // Makes the running call fail with `cancelled` soon; no effect when none runs. Thread-safe.
  void interrupt();

  Result<std::int32_t> application_id();
  Result<void> set_application_id(std::int32_t id);
  Result<std::int32_t> user_version();
  Result<void> set_user_version(std::int32_t version);

  // Copies the database as it is now into the new file `target`, while others read and write.
  // `progress` is told pages done and in total, and ends the copy by answering false. A copy that
  // fails leaves no file. Errors: already_exists, precondition_failed (inside a transaction),
  // cancelled, storage.
  using BackupProgress = std::function<bool(int done_pages, int total_pages)>;
  Result<void> backup_to(const std::string& target, const BackupProgress& progress = {});

  // Reads the whole file and checks its structure. Error: corrupt, naming the first findings.
  Result<void> quick_check();

  // The error that poisoned the connection, or null.
  const Error* poison() const;

  // For the other classes of this folder.
  ConnectionState& state() { return *state_; }

 private:
  explicit Connection(std::unique_ptr<ConnectionState> state);

  std::unique_ptr<ConnectionState> state_;
};

}  // namespace tombolo::store
