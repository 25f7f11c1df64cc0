#include "store/transaction.h"

#include <sqlite3.h>

#include "store/connection_state.h"
#include "store/sqlite_error.h"

namespace tombolo::store {

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  ConnectionState& state = connection.state();
  if (connection.in_transaction() || state.transaction_open) {
    return fail(ErrorCode::precondition_failed,
                "a transaction on database \"" + state.path + "\" is open already");
  }
  const bool writes = kind == Kind::immediate;
  if (writes && state.poison) return std::unexpected(*state.poison);
  const int code = state.run_control(writes ? ConnectionState::begin_immediate
                                            : ConnectionState::begin_deferred);
  if (code != SQLITE_OK) {
    return std::unexpected(state.failure(code, "begin a transaction on", false));
  }
  state.transaction_open = true;
  state.undone_by.reset();
  return Transaction(state);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  rollback();
}

Result<void> Transaction::commit() {
  if (connection_ == nullptr) {
    return fail(ErrorCode::precondition_failed, "the transaction is over already");
  }
  ConnectionState& state = *connection_;
  Result<void> result;
  if (sqlite3_get_autocommit(state.database) != 0) {
    result = state.check_write();
  } else if (state.poison && sqlite3_txn_state(state.database, "main") == SQLITE_TXN_WRITE) {
    result = std::unexpected(*state.poison);
  } else if (const int code = state.run_control(ConnectionState::commit); code != SQLITE_OK) {
    result = std::unexpected(state.failure(code, "commit to", true));
  }
  rollback();  // nothing is left to undo after a commit that succeeded
  return result;
}

void Transaction::rollback() {
  if (connection_ == nullptr) return;
  ConnectionState& state = *std::exchange(connection_, nullptr);
  if (sqlite3_get_autocommit(state.database) == 0) state.run_control(ConnectionState::rollback);
  state.transaction_open = false;
  state.undone_by.reset();
}

Result<Savepoint> Savepoint::begin(Connection& connection) {
  ConnectionState& state = connection.state();
  if (auto allowed = state.check_write(); !allowed) return fail(allowed);
  if (!connection.in_transaction()) {
    return fail(ErrorCode::precondition_failed,
                "a savepoint on database \"" + state.path + "\" needs an open transaction");
  }
  const int code = state.run_control(ConnectionState::savepoint);
  if (code != SQLITE_OK) {
    return std::unexpected(state.failure(code, "set a savepoint on", false));
  }
  return Savepoint(state);
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Savepoint::~Savepoint() {
  rollback();
}

Result<void> Savepoint::release() {
  if (connection_ == nullptr) {
    return fail(ErrorCode::precondition_failed, "the savepoint is over already");
  }
  ConnectionState& state = *std::exchange(connection_, nullptr);
  if (auto allowed = state.check_write(); !allowed) return allowed;
  const int code = state.run_control(ConnectionState::release);
  if (code != SQLITE_OK) {
    return std::unexpected(state.failure(code, "keep a savepoint of", false));
  }
  return {};
}

void Savepoint::rollback() {
  if (connection_ == nullptr) return;
  ConnectionState& state = *std::exchange(connection_, nullptr);
  if (sqlite3_get_autocommit(state.database) != 0) return;  // undone with its whole transaction
  state.run_control(ConnectionState::rollback_to);
  state.run_control(ConnectionState::release);
}

}  // namespace tombolo::store
