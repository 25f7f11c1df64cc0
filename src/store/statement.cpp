#include "store/statement.h"

#include <sqlite3.h>

#include "base/check.h"
#include "store/connection_state.h"
#include "store/sqlite_error.h"

namespace tombolo::store {

static_assert(static_cast<int>(ColumnType::integer) == SQLITE_INTEGER);
static_assert(static_cast<int>(ColumnType::real) == SQLITE_FLOAT);
static_assert(static_cast<int>(ColumnType::text) == SQLITE_TEXT);
static_assert(static_cast<int>(ColumnType::blob) == SQLITE_BLOB);
static_assert(static_cast<int>(ColumnType::null) == SQLITE_NULL);

int Row::column_count() const {
  return sqlite3_column_count(statement_);
}

ColumnType Row::type(int column) const {
  return static_cast<ColumnType>(sqlite3_column_type(statement_, column));
}

std::int64_t Row::int64(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Row::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Row::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Blob Row::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const std::uint8_t*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Statement> Statement::prepare(Connection& connection, std::string_view sql) {
  ConnectionState& state = connection.state();
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(state.database, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return std::unexpected(state.failure(code, "prepare a statement for", false));
  }
  if (statement == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "there is no SQL statement to prepare: the text is empty");
  }
  return adopt(state, statement);
}

Statement Statement::adopt(ConnectionState& connection, sqlite3_stmt* statement) {
  return Statement(connection, statement, sqlite3_stmt_readonly(statement) != 0);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      read_only_(other.read_only_),
      bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    connection_ = other.connection_;
    statement_ = std::exchange(other.statement_, nullptr);
    read_only_ = other.read_only_;
    bind_error_ = other.bind_error_;
  }
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::bind(int parameter, std::int64_t value) {
  note_bind(sqlite3_bind_int64(statement_, parameter, value));
}

void Statement::bind(int parameter, double value) {
  note_bind(sqlite3_bind_double(statement_, parameter, value));
}

void Statement::bind(int parameter, std::string_view value) {
  // SQLite takes a null pointer for NULL, and an empty view may have one.
  const char* text = value.data() != nullptr ? value.data() : "";
  note_bind(
      sqlite3_bind_text64(statement_, parameter, text, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind(int parameter, Blob value) {
  static constexpr std::uint8_t kEmpty = 0;
  const void* bytes = value.data() != nullptr ? value.data() : &kEmpty;
  note_bind(sqlite3_bind_blob64(statement_, parameter, bytes, value.size(), SQLITE_STATIC));
}

void Statement::bind(int parameter, std::nullptr_t) {
  note_bind(sqlite3_bind_null(statement_, parameter));
}

void Statement::note_bind(int sqlite_code) {
  if (sqlite_code == SQLITE_OK) return;
  TOMBOLO_CHECK(sqlite_code != SQLITE_RANGE, "a parameter that the statement does not have");
  TOMBOLO_CHECK(sqlite_code != SQLITE_MISUSE, "a parameter bound while the statement runs");
  bind_error_ = sqlite_code;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0) {
    const int code = bind_error_;
    reset();
    return std::unexpected(sqlite_error(code, nullptr, "pass a value to", connection_->path));
  }
  if (!read_only_) {
    if (auto allowed = connection_->check_write(); !allowed) {
      reset();
      return fail(allowed);
    }
  }
  const bool commits = !read_only_ && sqlite3_get_autocommit(connection_->database) != 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = connection_->failure(code, read_only_ ? "read" : "write", commits);
  reset();
  return std::unexpected(std::move(error));
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = 0;
}

Result<void> Statement::run_bound() {
  ResetGuard guard(*this);
  for (;;) {
    Result<bool> more = step();
    if (!more) return fail(more);
    if (!*more) return {};
  }
}

std::string_view Statement::sql() const {
  return sqlite3_sql(statement_);
}

}  // namespace tombolo::store
