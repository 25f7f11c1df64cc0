// Transactions that end with their scope: what is not committed is rolled back.
//
// SQLite undoes a whole transaction by itself after some errors (disk full, I/O). Later writes of
// the same Transaction, and its commit, then fail with that first error instead of becoming commits
// of their own.
#pragma once

#include <utility>

#include "store/connection.h"

#include "tombolo/result.h"

namespace tombolo::store {

class [[nodiscard]] Transaction {
 public:
  enum class Kind {
    deferred,   // for reading: one snapshot for all statements, taken at the first one
    immediate,  // for writing: takes the write lock now, so that no later statement finds it taken
  };

  // Errors: busy (immediate: another connection wrote for longer than busy_timeout_ms), the
  // connection's poison (immediate), precondition_failed (a transaction is open already).
  static Result<Transaction> begin(Connection& connection, Kind kind = Kind::immediate);

  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();  // rolls back what is open

  // Ends the transaction in any case. After an error nothing of it is visible; if the error came
  // from I/O the connection is poisoned (connection.h).
  Result<void> commit();

  void rollback();
  bool open() const { return connection_ != nullptr; }

 private:
  explicit Transaction(ConnectionState& connection) : connection_(&connection) {}

  ConnectionState* connection_;  // null: over
};

// A part of an open transaction that can be undone alone. They nest, and end in reverse order.
class [[nodiscard]] Savepoint {
 public:
  // Error: precondition_failed when no transaction is open.
  static Result<Savepoint> begin(Connection& connection);

  Savepoint(Savepoint&& other) noexcept;
  Savepoint& operator=(Savepoint&&) = delete;
  ~Savepoint();  // undoes what was not released

  Result<void> release();  // keeps its changes, as part of the transaction around it
  void rollback();

 private:
  explicit Savepoint(ConnectionState& connection) : connection_(&connection) {}

  ConnectionState* connection_;  // null: over
};

}  // namespace tombolo::store
