#include "server/storage/sqlite_storage.h"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <sqlite3.h>
#include <utility>

#include "base/check.h"
#include "base/planted_fault.h"
#include "base/text.h"
#include "base/uuid.h"
#include "os/file_lock.h"
#include "server/storage/sqlite_schema.h"
#include "server/storage/sqlite_tables.h"
#include "server/storage/sqlite_write.h"
#include "store/migrations.h"

namespace tombolo::server {

namespace {

constexpr int kPageBytes = 8192;
constexpr std::int64_t kReaderCacheBytes = 16LL << 20;
constexpr std::int64_t kWriterCacheBytes = 64LL << 20;
// How long the writer waits for another process, and, while it starts the log anew, for readers.
constexpr int kBusyTimeoutMs = 2'000;
constexpr int kReadersTimeoutMs = 50;

// Why nothing may be written any more, when another connection than the writer's found out.
class SharedPoison {
 public:
  void set(const Error& error) {
    if (claimed_.exchange(true)) return;
    error_ = error;
    set_.store(true, std::memory_order_release);
  }
  const Error* get() const { return set_.load(std::memory_order_acquire) ? &error_ : nullptr; }

 private:
  std::atomic<bool> claimed_ = false;
  std::atomic<bool> set_ = false;
  Error error_;
};

// Counts the commits, so that a snapshot can be known to be the newest state. Odd while one is in
// progress: it becomes visible to new snapshots before it is counted, and whoever has seen it must
// not be given an older one afterwards.
class CommitCount {
 public:
  void begin() { count_.fetch_add(1); }
  void end() { count_.fetch_add(1); }
  std::uint64_t value() const { return count_.load(); }
  static bool in_progress(std::uint64_t value) { return value % 2 != 0; }

 private:
  std::atomic<std::uint64_t> count_ = 0;
};

class SqliteCheckpointer final : public Checkpointer {
 public:
  SqliteCheckpointer(store::Connection connection, std::shared_ptr<SharedPoison> poison)
      : connection_(std::move(connection)), poison_(std::move(poison)) {}

  Result<void> run() override {
    const auto done = connection_.checkpoint(store::CheckpointMode::passive);
    if (const Error* poison = connection_.poison(); poison != nullptr) poison_->set(*poison);
    return done || done.error().code == ErrorCode::busy ? Result<void>() : fail(done);
  }

 private:
  store::Connection connection_;
  const std::shared_ptr<SharedPoison> poison_;
};

class SqliteRead final : public SqliteReads<ReadTransaction> {
 public:
  SqliteRead(SqliteTables& tables, store::Transaction transaction)
      : SqliteReads(tables), transaction_(std::move(transaction)) {}

 private:
  store::Transaction transaction_;
};

class SqliteReader final : public Reader {
 public:
  SqliteReader(std::unique_ptr<SqliteTables> tables, std::shared_ptr<const CommitCount> commits)
      : tables_(std::move(tables)), commits_(std::move(commits)) {}

  Result<std::unique_ptr<ReadTransaction>> begin() override {
    release();
    Result<store::Transaction> transaction = begin_transaction();
    if (!transaction) return fail(transaction);
    return std::make_unique<SqliteRead>(*tables_, std::move(*transaction));
  }

  Result<ReadTransaction*> snapshot() override {
    const std::uint64_t commits = commits_->value();  // before what it is to be as new as
    if (kept_ && commits == kept_at_ && !CommitCount::in_progress(commits)) return &*kept_;
    release();
    Result<store::Transaction> transaction = begin_transaction();
    if (!transaction) return fail(transaction);
    kept_.emplace(*tables_, std::move(*transaction));
    kept_at_ = commits;
    return &*kept_;
  }

  void release() override { kept_.reset(); }

 private:
  Result<store::Transaction> begin_transaction() {
    Result<store::Transaction> transaction =
        store::Transaction::begin(tables_->connection(), store::Transaction::Kind::deferred);
    if (!transaction) return transaction;
    if (Result<void> started = tables_->start_snapshot(); !started) return fail(started);
    return transaction;
  }

  const std::unique_ptr<SqliteTables> tables_;
  const std::shared_ptr<const CommitCount> commits_;
  std::optional<SqliteRead> kept_;
  std::uint64_t kept_at_ = 0;  // of the commits
};

class SqliteStorage final : public Storage {
 public:
  SqliteStorage(SqliteStorageOptions options, std::optional<os::FileLock> lock,
                std::unique_ptr<SqliteTables> tables, std::string node, std::string secret,
                std::string life)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        tables_(std::move(tables)),
        node_(std::move(node)),
        secret_(std::move(secret)),
        write_(*tables_, node_, secret_, std::move(life)) {}

  ~SqliteStorage() override {
    rollback();
    if (poison() == nullptr)
      (void)tables_->connection().checkpoint(store::CheckpointMode::truncate);
  }

  const std::string& node() const override { return node_; }
  const std::string& secret() const override { return secret_; }
  std::string timeline() const override { return write_.own_timeline(); }

  Result<std::unique_ptr<Reader>> open_reader() override {
    store::OpenOptions open;
    open.mode = store::OpenMode::read_only;
    open.vfs = options_.vfs;
    open.cache_bytes = kReaderCacheBytes;
    Result<store::Connection> connection = store::Connection::open(options_.path, open);
    if (!connection) return fail(connection);
    Result<std::unique_ptr<SqliteTables>> tables = SqliteTables::make(std::move(*connection));
    if (!tables) return fail(tables);
    return std::make_unique<SqliteReader>(std::move(*tables), commits_);
  }
  std::uint64_t commit_count() const override { return commits_->value(); }

  Result<std::unique_ptr<Checkpointer>> open_checkpointer() override {
    store::OpenOptions open;
    open.mode = store::OpenMode::read_write;
    open.vfs = options_.vfs;
    open.synchronous = options_.synchronous;
    open.cache_bytes = 0;  // a checkpoint copies past the cache
    open.wal_autocheckpoint_pages = 0;
    Result<store::Connection> connection = store::Connection::open(options_.path, open);
    if (!connection) return fail(connection);
    return std::make_unique<SqliteCheckpointer>(std::move(*connection), checkpoint_poison_);
  }

  Result<WriteTransaction*> begin_write() override {
    TOMBOLO_CHECK(!transaction_, "a transaction is begun inside another");
    Result<store::Transaction> transaction = store::Transaction::begin(tables_->connection());
    if (!transaction) return fail(transaction);
    transaction_.emplace(std::move(*transaction));
    if (Result<void> started = write_.start(); !started) {
      rollback();
      return fail(started);
    }
    return &write_;
  }

  Result<void> commit() override {
    TOMBOLO_CHECK(transaction_.has_value(), "a commit without a transaction");
    Result<void> done = write_.flush();
    if (done) {
      commits_->begin();
      done = transaction_->commit();
      commits_->end();
    }
    if (!done) rollback();
    transaction_.reset();
    return done;
  }

  void rollback() override {
    if (!transaction_) return;
    write_.drop_savepoints();
    transaction_.reset();
    write_.forget();
  }

  bool in_transaction() const override {
    return transaction_ && tables_->connection().in_transaction();
  }

  const Error* poison() const override {
    const Error* own = tables_->connection().poison();
    return own != nullptr ? own : checkpoint_poison_->get();
  }

  MaintenanceState maintenance_state() const override {
    return {std::int64_t{kPageBytes} * tables_->connection().wal_pages()};
  }

  Result<void> checkpoint(bool thorough) override {
    const auto mode = thorough ? store::CheckpointMode::restart : store::CheckpointMode::passive;
    if (thorough) set_busy_timeout(kReadersTimeoutMs);
    const Result<store::CheckpointResult> done = tables_->connection().checkpoint(mode);
    if (thorough) set_busy_timeout(kBusyTimeoutMs);
    // Readers were in the way: what could be copied is copied, and the next time does the rest.
    if (!done && done.error().code != ErrorCode::busy) return fail(done);
    return {};
  }

 private:
  void set_busy_timeout(int timeout_ms) {
    sqlite3_busy_timeout(tables_->connection().handle(), timeout_ms);
  }

  const SqliteStorageOptions options_;
  std::optional<os::FileLock> lock_;  // released last
  std::unique_ptr<SqliteTables> tables_;
  const std::string node_;
  const std::string secret_;
  SqliteWrite write_;
  std::optional<store::Transaction> transaction_;
  const std::shared_ptr<CommitCount> commits_ = std::make_shared<CommitCount>();
  const std::shared_ptr<SharedPoison> checkpoint_poison_ = std::make_shared<SharedPoison>();
};

Result<std::optional<os::FileLock>> lock_file(const SqliteStorageOptions& options) {
  if (!options.lock) return std::nullopt;
  Result<std::optional<os::FileLock>> lock = os::FileLock::try_take(options.path + ".lock");
  if (!lock || *lock) return lock;
  return fail(ErrorCode::busy, "another tombolo server has the database " + options.path +
                                   " open; stop it, or give this one another file");
}

// What a server is, made once with its file.
Result<std::pair<std::string, std::string>> identify(SqliteTables& tables, const Clock& clock,
                                                     Random& random) {
  Result<store::Statement*> insert = tables.statement(
      "INSERT OR IGNORE INTO server_state(only, node, secret, clock_wall_ms, clock_logical, "
      "permissions_generation) VALUES (1, ?1, ?2, 0, 0, 0)");
  if (!insert) return fail(insert);
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  const std::string secret = to_hex(bytes);
  const std::string node = UuidGenerator(clock, random).next();
  if (Result<void> done = (*insert)->run(node, secret); !done) return fail(done);
  Result<store::Statement*> select = tables.statement("SELECT node, secret FROM server_state");
  if (!select) return fail(select);
  auto found = (*select)->query_one([](const store::Row& row) {
    return std::pair{std::string(row.text(0)), std::string(row.text(1))};
  });
  if (!found) return fail(found);
  if (!*found) return fail(ErrorCode::corrupt, "the database does not say whose it is");
  return std::move(**found);
}

// The name of this life of the server, unlike those of all others.
std::string draw_life(Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  return to_hex(bytes);
}

}  // namespace

Result<std::unique_ptr<Storage>> open_sqlite_storage(const SqliteStorageOptions& options,
                                                     const Clock& clock, Random& random) {
  Result<std::optional<os::FileLock>> lock = lock_file(options);
  if (!lock) return fail(lock);
  store::OpenOptions open;
  open.vfs = options.vfs;
  open.synchronous = options.synchronous;
  // Fast, and fit for caches: a power loss takes the last commits, acknowledged or not.
  if (planted(PlantedFault::server_synchronous_normal)) {
    open.synchronous = store::Synchronous::normal;
  }
  open.page_size_bytes = kPageBytes;
  open.cache_bytes = kWriterCacheBytes;
  open.busy_timeout_ms = kBusyTimeoutMs;
  open.wal_autocheckpoint_pages = 0;
  Result<store::Connection> connection = store::Connection::open(options.path, open);
  if (!connection) return fail(connection);
  // Before anything is written behind it, or copied out of it.
  if (Result<void> done = connection->rewrite_log(); !done) return fail(done);
  if (Result<store::MigrationResult> done = store::migrate(*connection, server_schema()); !done) {
    return fail(done);
  }
  Result<std::unique_ptr<SqliteTables>> tables = SqliteTables::make(std::move(*connection));
  if (!tables) return fail(tables);
  Result<std::pair<std::string, std::string>> self = identify(**tables, clock, random);
  if (!self) return fail(self);
  return std::make_unique<SqliteStorage>(options, std::move(*lock), std::move(*tables),
                                         std::move(self->first), std::move(self->second),
                                         draw_life(random));
}

}  // namespace tombolo::server
