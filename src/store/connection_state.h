// What the classes of this folder share about one connection. Lives at a fixed address, whatever
// happens to the Connection that owns it.
#pragma once

#include <optional>
#include <string>

#include "tombolo/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tombolo::store {

struct ConnectionState {
  ConnectionState() = default;
  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;
  ~ConnectionState();

  // The statements that begin and end transactions, prepared at their first use.
  enum Control {
    begin_deferred,
    begin_immediate,
    commit,
    rollback,
    savepoint,
    release,
    rollback_to
  };
  static constexpr int kControlCount = 7;

  // Runs one of them and answers SQLite's code.
  int run_control(Control control);

  // Whether a write may run: not when the connection is poisoned, nor inside a Transaction that
  // SQLite has undone already.
  Result<void> check_write() const;

  // Makes the Error for a failed call and draws the consequences: poison, undone transaction.
  // `committing`: the call was or included a commit.
  Error failure(int code, std::string_view doing, bool committing);

  sqlite3* database = nullptr;
  std::string path;
  bool read_only = false;
  int wal_autocheckpoint_pages = 0;
  int wal_pages = 0;
  bool transaction_open = false;   // a Transaction of ours is open
  std::optional<Error> undone_by;  // SQLite undid that transaction because of this
  std::optional<Error> poison;
  sqlite3_stmt* control_statements[kControlCount] = {};
};

}  // namespace tombolo::store
