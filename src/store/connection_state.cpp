#include "store/connection_state.h"

#include <sqlite3.h>

#include "store/sqlite_error.h"

namespace tombolo::store {
namespace {

// Savepoints nest under one name: SQLite means the innermost one.
constexpr const char* kControlSql[ConnectionState::kControlCount] = {
    "BEGIN",           "BEGIN IMMEDIATE",    "COMMIT", "ROLLBACK", "SAVEPOINT tombolo",
    "RELEASE tombolo", "ROLLBACK TO tombolo"};

}  // namespace

ConnectionState::~ConnectionState() {
  for (sqlite3_stmt* statement : control_statements) sqlite3_finalize(statement);
  sqlite3_close_v2(database);
}

int ConnectionState::run_control(Control control) {
  sqlite3_stmt*& statement = control_statements[control];
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(database, kControlSql[control], -1,
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return code;
  }
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

Result<void> ConnectionState::check_write() const {
  if (poison) return std::unexpected(*poison);
  if (transaction_open && sqlite3_get_autocommit(database) != 0) {
    if (undone_by) return std::unexpected(*undone_by);
    return fail(ErrorCode::precondition_failed,
                "the transaction on database \"" + path + "\" is over already: begin a new one");
  }
  return {};
}

Error ConnectionState::failure(int code, std::string_view doing, bool committing) {
  Error error = sqlite_error(code, database, doing, path);
  if (is_sync_error(code) || (committing && is_io_error(code))) {
    if (!poison) {
      poison = Error{error.code, error.message +
                                     "; nothing more is written through this connection, because "
                                     "what is on the disk is unknown"};
    }
    error = *poison;
  }
  if (transaction_open && !undone_by && sqlite3_get_autocommit(database) != 0) {
    undone_by = Error{error.code, "the whole transaction was undone: " + error.message};
  }
  return error;
}

}  // namespace tombolo::store
