#include "store/sqlite_error.h"

#include <cstring>
#include <sqlite3.h>

namespace tombolo::store {
namespace {

constexpr int kPrimaryMask = 0xff;

ErrorCode constraint_code(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return ErrorCode::already_exists;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return ErrorCode::precondition_failed;
    default:
      return ErrorCode::invalid_argument;
  }
}

ErrorCode code_of(int code) {
  switch (code & kPrimaryMask) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return ErrorCode::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
      return ErrorCode::storage;
    case SQLITE_INTERRUPT:
      return ErrorCode::cancelled;
    case SQLITE_TOOBIG:
      return ErrorCode::limit_exceeded;
    case SQLITE_CONSTRAINT:
      return constraint_code(code);
    default:
      return ErrorCode::internal;
  }
}

// What to do, for the person who must act; empty where SQLite's own words are all there is.
std::string_view advice(int code) {
  switch (code & kPrimaryMask) {
    case SQLITE_FULL:
      return "the disk is full: free space on it and try again; nothing committed before is lost";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return "another process or connection holds the file's lock: try again when it has finished";
    case SQLITE_CORRUPT:
      return "the file is damaged: restore it from a backup or from its replicas";
    case SQLITE_NOTADB:
      return "the file is not a database: name another file, or move this one away";
    case SQLITE_CANTOPEN:
      return "check that the folder exists and that this user may read and write it";
    case SQLITE_READONLY:
      return "the file, its folder or this connection is read-only: check the permissions";
    case SQLITE_IOERR:
      return "the disk reports an error: check it, then open the database again";
    case SQLITE_NOMEM:
      return "there is no memory left";
    default:
      return {};
  }
}

}  // namespace

bool is_io_error(int code) {
  return (code & kPrimaryMask) == SQLITE_IOERR;
}

bool is_sync_error(int code) {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

Error sqlite_error(int code, sqlite3* database, std::string_view doing, const std::string& path) {
  std::string message = "cannot ";
  message.append(doing).append(" database \"").append(path).append("\": ");
  const bool detailed = database != nullptr && sqlite3_extended_errcode(database) == code;
  message += detailed ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  const int primary = code & kPrimaryMask;
  if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
    const int system = database != nullptr ? sqlite3_system_errno(database) : 0;
    if (system != 0) message.append(", ").append(std::strerror(system));
    message.append(" (SQLite code ").append(std::to_string(code)).append(")");
  }
  if (const std::string_view what_to_do = advice(code); !what_to_do.empty()) {
    message.append("; ").append(what_to_do);
  }
  return Error{code_of(code), std::move(message)};
}

}  // namespace tombolo::store
