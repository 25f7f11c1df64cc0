#include "store/connection.h"

#include <algorithm>
#include <sqlite3.h>
#include <string>
#include <utility>

#include "store/connection_state.h"
#include "store/sqlite_error.h"
#include "store/statement.h"

namespace tombolo::store {
namespace {

constexpr const char* kMain = "main";
constexpr int kLockRetryMs = 10;
constexpr std::int64_t kWalSizeLimitBytes = 64LL * 1024 * 1024;  // what a reset log file keeps

// SQLite may be built to read "file:..." as a URI, whose options could turn locking off; a path is
// only a path.
std::string sqlite_path(const std::string& path) {
  return path.starts_with("file:") ? "./" + path : path;
}

int open_flags(OpenMode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case OpenMode::create:
      return flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case OpenMode::read_write:
      return flags | SQLITE_OPEN_READWRITE;
    case OpenMode::read_only:
      return flags | SQLITE_OPEN_READONLY;
  }
  return flags;
}

Result<void> check_path(const std::string& path) {
  if (path.empty()) {
    return fail(ErrorCode::invalid_argument, "a database needs a file name; it is empty");
  }
  if (path.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument,
                "a database's file name cannot contain a NUL character: \"" +
                    std::string(path.c_str()) + "\"...");
  }
  return {};
}

// Writes the same bytes again, so that the system holds them for not yet written, and syncs them.
int write_over_itself(sqlite3_file& file) {
  constexpr int kChunkBytes = 64 * 1024;  // the largest page: no VFS has to take more at once
  sqlite3_int64 size = 0;
  int code = file.pMethods->xFileSize(&file, &size);
  std::string chunk;
  for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += kChunkBytes) {
    const int count = static_cast<int>(std::min<sqlite3_int64>(kChunkBytes, size - at));
    chunk.resize(static_cast<std::size_t>(count));
    code = file.pMethods->xRead(&file, chunk.data(), count, at);
    if (code == SQLITE_OK) code = file.pMethods->xWrite(&file, chunk.data(), count, at);
  }
  if (code == SQLITE_OK && size > 0) code = file.pMethods->xSync(&file, SQLITE_SYNC_NORMAL);
  return code;
}

// SQLite's own automatic checkpoint is such a hook too; ours also remembers the length of the log.
int on_wal_commit(void* context, sqlite3* database, const char* schema, int pages) {
  auto& state = *static_cast<ConnectionState*>(context);
  state.wal_pages = pages;
  if (state.wal_autocheckpoint_pages <= 0 || pages < state.wal_autocheckpoint_pages) {
    return SQLITE_OK;
  }
  int in_log = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(database, schema, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
  // The commit stands whatever becomes of its checkpoint, so only what poisons is remembered.
  if (is_sync_error(code)) (void)state.failure(code, "checkpoint", false);
  if (code == SQLITE_OK && in_log == copied) state.wal_pages = 0;
  return SQLITE_OK;
}

void harden(sqlite3* database, bool trusted_schema) {
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted_schema ? 1 : 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
}

std::string settings_sql(const OpenOptions& options) {
  std::string sql;
  const auto pragma = [&sql](std::string_view name, std::string_view value) {
    sql.append("PRAGMA ").append(name).append("=").append(value).append(";");
  };
  pragma("cell_size_check", "ON");
  pragma("secure_delete", "OFF");  // some builds overwrite deleted rows, at the cost of more pages
  pragma("foreign_keys", "ON");
  pragma("temp_store", "MEMORY");
  pragma("cache_size", std::to_string(-std::max<std::int64_t>(options.cache_bytes / 1024, 1)));
  pragma("mmap_size", std::to_string(std::max<std::int64_t>(options.mmap_bytes, 0)));
  pragma("journal_size_limit", std::to_string(kWalSizeLimitBytes));
  pragma("synchronous", options.synchronous == Synchronous::full ? "FULL" : "NORMAL");
  return sql;
}

// The answer of a statement with one text column in its first row. The statement runs to its end,
// since what it writes may fail after it has answered.
struct PragmaText {
  int code = SQLITE_OK;
  std::string text;
};

PragmaText pragma_text(sqlite3* database, const char* sql) {
  PragmaText answer;
  sqlite3_stmt* statement = nullptr;
  answer.code = sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
  if (answer.code == SQLITE_OK) {
    int code = SQLITE_ROW;
    for (int rows = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; ++rows) {
      const unsigned char* text = rows == 0 ? sqlite3_column_text(statement, 0) : nullptr;
      if (text != nullptr) answer.text = reinterpret_cast<const char*>(text);
    }
    if (code != SQLITE_DONE) answer.code = code;
  }
  sqlite3_finalize(statement);
  return answer;
}

// Turns a new file's rollback journal into a write-ahead log. SQLite does not wait for locks here
// (two processes may be making the same file), so we do.
Result<void> use_wal(ConnectionState& state, const OpenOptions& options) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(options.vfs.empty() ? nullptr : options.vfs.c_str());
  for (int waited_ms = 0;; waited_ms += kLockRetryMs) {
    const PragmaText mode = pragma_text(state.database, "PRAGMA journal_mode=WAL");
    if (mode.code == SQLITE_OK) {
      if (mode.text == "wal" || mode.text == "memory") return {};
      return fail(ErrorCode::unsupported,
                  "cannot use a write-ahead log for database \"" + state.path +
                      "\": its file system offers no shared memory; keep it on a local disk");
    }
    const bool busy = (mode.code & 0xff) == SQLITE_BUSY;
    if (!busy || waited_ms >= options.busy_timeout_ms) {
      return std::unexpected(sqlite_error(mode.code, state.database, "open", state.path));
    }
    vfs->xSleep(vfs, kLockRetryMs * 1000);
  }
}

Result<void> apply_settings(Connection& connection, const OpenOptions& options) {
  ConnectionState& state = connection.state();
  sqlite3_busy_timeout(state.database, options.busy_timeout_ms);
  harden(state.database, options.trusted_schema);
  if (!state.read_only) {
    auto sized = connection.execute("PRAGMA page_size=" + std::to_string(options.page_size_bytes));
    if (!sized) return sized;
    if (auto logged = use_wal(state, options); !logged) return logged;
  }
  if (auto set = connection.execute(settings_sql(options)); !set) return set;
  // Reads the header, so that a damaged or foreign file is refused here and not at the first query.
  const PragmaText version = pragma_text(state.database, "PRAGMA schema_version");
  if (version.code != SQLITE_OK) {
    return std::unexpected(sqlite_error(version.code, state.database, "open", state.path));
  }
  state.wal_autocheckpoint_pages = options.wal_autocheckpoint_pages;
  sqlite3_wal_hook(state.database, on_wal_commit, &state);
  return {};
}

Result<std::int64_t> pragma_integer(Connection& connection, std::string_view sql) {
  auto statement = Statement::prepare(connection, sql);
  if (!statement) return fail(statement);
  auto value = statement->query_one([](const Row& row) { return row.int64(0); });
  if (!value) return fail(value);
  return value->value_or(0);
}

}  // namespace

Connection::Connection(std::unique_ptr<ConnectionState> state) : state_(std::move(state)) {}
Connection::Connection(Connection&& other) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept = default;
Connection::~Connection() = default;

void count_no_memory() {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

Result<Connection> Connection::open(const std::string& path, const OpenOptions& options) {
  if (auto valid = check_path(path); !valid) return fail(valid);
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  if (vfs != nullptr && sqlite3_vfs_find(vfs) == nullptr) {
    return fail(ErrorCode::invalid_argument, "no SQLite VFS is named \"" + options.vfs + "\"");
  }
  auto state = std::make_unique<ConnectionState>();
  state->path = path;
  state->read_only = options.mode == OpenMode::read_only;
  const int code =
      sqlite3_open_v2(sqlite_path(path).c_str(), &state->database, open_flags(options.mode), vfs);
  if (code != SQLITE_OK) {
    return std::unexpected(sqlite_error(code, state->database, "open", path));
  }
  Connection connection(std::move(state));
  if (auto applied = apply_settings(connection, options); !applied) return fail(applied);
  return connection;
}

const std::string& Connection::path() const {
  return state_->path;
}
bool Connection::read_only() const {
  return state_->read_only;
}
sqlite3* Connection::handle() const {
  return state_->database;
}

Result<void> Connection::execute(std::string_view sql) {
  for (;;) {
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(state_->database, sql.data(), static_cast<int>(sql.size()),
                                        0, &raw, &tail);
    if (code != SQLITE_OK) return std::unexpected(state_->failure(code, "run SQL on", false));
    if (raw == nullptr) return {};  // nothing but blanks and comments is left
    Statement statement = Statement::adopt(*state_, raw);
    if (auto done = statement.run(); !done) return done;
    sql.remove_prefix(static_cast<std::size_t>(tail - sql.data()));
  }
}

std::int64_t Connection::changes() const {
  return sqlite3_changes64(state_->database);
}

std::int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(state_->database);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(state_->database) == 0;
}

std::string Connection::log_path() const {
  return sqlite3_filename_wal(sqlite3_db_filename(state_->database, kMain));
}

Result<std::int64_t> Connection::data_version() {
  return pragma_integer(*this, "PRAGMA data_version");
}

Result<CheckpointResult> Connection::checkpoint(CheckpointMode mode) {
  if (state_->poison) return std::unexpected(*state_->poison);
  constexpr int kModes[] = {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
                            SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE};
  int in_log = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(state_->database, kMain,
                                             kModes[static_cast<int>(mode)], &in_log, &copied);
  if (code != SQLITE_OK) return std::unexpected(state_->failure(code, "checkpoint", false));
  const CheckpointResult result{std::max(in_log, 0), std::max(copied, 0)};
  if (result.complete()) state_->wal_pages = 0;
  return result;
}

Result<void> Connection::rewrite_log() {
  if (auto done = execute("BEGIN IMMEDIATE"); !done) return done;  // nobody else writes meanwhile
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(state_->database, kMain, SQLITE_FCNTL_JOURNAL_POINTER,
                                  static_cast<void*>(&log));
  if (code == SQLITE_OK && log->pMethods != nullptr) code = write_over_itself(*log);
  if (code != SQLITE_OK) {
    auto failure = state_->failure(code, "write the log of", false);
    (void)execute("ROLLBACK");
    return std::unexpected(std::move(failure));
  }
  return execute("ROLLBACK");
}

int Connection::wal_pages() const {
  return state_->wal_pages;
}

void Connection::interrupt() {
  sqlite3_interrupt(state_->database);
}

Result<std::int32_t> Connection::application_id() {
  auto id = pragma_integer(*this, "PRAGMA application_id");
  if (!id) return fail(id);
  return static_cast<std::int32_t>(*id);
}

Result<void> Connection::set_application_id(std::int32_t id) {
  return execute("PRAGMA application_id=" + std::to_string(id));
}

Result<std::int32_t> Connection::user_version() {
  auto version = pragma_integer(*this, "PRAGMA user_version");
  if (!version) return fail(version);
  return static_cast<std::int32_t>(*version);
}

Result<void> Connection::set_user_version(std::int32_t version) {
  return execute("PRAGMA user_version=" + std::to_string(version));
}

Result<void> Connection::quick_check() {
  constexpr std::string_view kSql = "PRAGMA quick_check(5)";  // findings
  auto statement = Statement::prepare(*this, kSql);
  if (!statement) return fail(statement);
  std::string findings;
  Rows rows = statement->query();
  for (;;) {
    auto more = rows.next();
    if (!more) return fail(more);
    if (!*more) break;
    if (rows.row().text(0) == "ok") continue;
    if (!findings.empty()) findings += "; ";
    findings += rows.row().text(0);
  }
  if (findings.empty()) return {};
  return fail(ErrorCode::corrupt, "database \"" + state_->path + "\" is damaged: " + findings +
                                      "; restore it from a backup or from its replicas");
}

const Error* Connection::poison() const {
  return state_->poison ? &*state_->poison : nullptr;
}

}  // namespace tombolo::store
