#include "store/transaction.h"

#include <gtest/gtest.h>
#include <optional>

#include "store/fault_vfs_for_test.h"
#include "store/statement.h"
#include "store/temporary_folder_for_test.h"

namespace tombolo::store {
namespace {

std::int64_t count(Connection& connection) {
  auto statement = Statement::prepare(connection, "SELECT count(*) FROM t");
  if (!statement) return -1;
  auto value = statement->query_one([](const Row& row) { return row.int64(0); });
  return value ? value->value_or(-1) : -1;
}

class TransactionTest : public testing::Test {
 protected:
  TransactionTest() { EXPECT_TRUE(connection_.execute("CREATE TABLE t(a UNIQUE)")); }

  void insert(int value) {
    ASSERT_TRUE(connection_.execute("INSERT INTO t VALUES (" + std::to_string(value) + ")"));
  }

  Connection connection_ = std::move(Connection::open(":memory:").value());
};

TEST_F(TransactionTest, WhatIsCommittedStays) {
  auto transaction = Transaction::begin(connection_);
  insert(1);
  EXPECT_TRUE(transaction->commit());
  EXPECT_FALSE(transaction->open());
  EXPECT_EQ(count(connection_), 1);
  EXPECT_FALSE(transaction->commit());
}

TEST_F(TransactionTest, WhatIsNotCommittedIsUndone) {
  {
    auto transaction = Transaction::begin(connection_);
    insert(1);
    Transaction moved = std::move(*transaction);
    insert(2);
  }
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(count(connection_), 0);
}

TEST_F(TransactionTest, TransactionsDoNotNest) {
  auto outer = Transaction::begin(connection_);
  EXPECT_EQ(Transaction::begin(connection_).error().code, ErrorCode::precondition_failed);
  insert(1);
  EXPECT_TRUE(outer->commit());
}

TEST_F(TransactionTest, SavepointsAreUndoneAlone) {
  EXPECT_FALSE(Savepoint::begin(connection_));
  auto transaction = Transaction::begin(connection_);
  insert(1);
  {
    auto outer = Savepoint::begin(connection_);
    insert(2);
    {
      auto inner = Savepoint::begin(connection_);
      insert(3);
    }
    insert(4);
    EXPECT_TRUE(outer->release());
  }
  EXPECT_TRUE(transaction->commit());
  EXPECT_EQ(count(connection_), 3);
}

TEST_F(TransactionTest, AFailedConstraintLeavesTheTransactionOpen) {
  auto transaction = Transaction::begin(connection_);
  insert(1);
  EXPECT_EQ(connection_.execute("INSERT INTO t VALUES (1)").error().code,
            ErrorCode::already_exists);
  insert(2);
  EXPECT_TRUE(transaction->commit());
  EXPECT_EQ(count(connection_), 2);
}

class FailingDiskTest : public testing::Test {
 protected:
  Result<Connection> open() {
    return Connection::open(path_, {.vfs = FaultVfs::kName,
                                    .synchronous = Synchronous::full,
                                    .cache_bytes = 64 * 1024,  // spills inside the transaction
                                    .wal_autocheckpoint_pages = 4});
  }

  // Inserts `rows` wide rows in one transaction.
  static Result<void> write(Connection& connection, int rows) {
    auto transaction = Transaction::begin(connection);
    if (!transaction) return fail(transaction);
    auto insert = Statement::prepare(connection, "INSERT INTO t(b) VALUES (zeroblob(3000))");
    if (!insert) return fail(insert);
    for (int i = 0; i < rows; ++i) {
      if (auto done = insert->run(); !done) return done;
    }
    return transaction->commit();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("test.db");
  FaultVfs disk_;
};

// Without its log a connection would not keep what it promises, however well it seems to work.
TEST_F(FailingDiskTest, OpensWithAWriteAheadLogOrNotAtAll) {
  int refused = 0;
  bool failed = true;
  for (int nth = 1; failed; ++nth) {
    path_ = folder_.file("new" + std::to_string(nth) + ".db");
    disk_.fail_at(nth, SQLITE_IOERR_WRITE);
    auto connection = open();
    failed = disk_.fired();
    disk_.heal();
    if (!connection) {
      ++refused;
      continue;
    }
    auto mode = Statement::prepare(*connection, "PRAGMA journal_mode");
    ASSERT_TRUE(mode);
    EXPECT_EQ(mode->query_one([](const Row& row) { return std::string(row.text(0)); }).value(),
              "wal")
        << nth;
  }
  EXPECT_GT(refused, 3);
}

// For every point at which the disk can fail: what was committed is there afterwards, and the
// failed transaction is there whole or not at all.
TEST_F(FailingDiskTest, EveryFailureLeavesWholeTransactions) {
  for (const int code : {SQLITE_IOERR_WRITE, SQLITE_FULL}) {
    bool failed = true;
    int failures = 0;
    for (int nth = 1; failed; ++nth) {
      ASSERT_LT(nth, 10000);
      for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
      ASSERT_TRUE(open()->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
      bool acknowledged = false;
      {
        auto connection = open();
        ASSERT_TRUE(connection);
        ASSERT_TRUE(write(*connection, 1));
        disk_.fail_at(nth, code);
        auto written = write(*connection, 60);
        acknowledged = written.has_value();
        failed = disk_.fired();
        disk_.heal();
        if (!acknowledged) {
          EXPECT_EQ(written.error().code, ErrorCode::storage) << written.error().message;
          ++failures;
        }
      }
      auto again = open();
      ASSERT_TRUE(again) << again.error().message;
      ASSERT_TRUE(again->quick_check());
      const std::int64_t rows = count(*again);
      ASSERT_TRUE(rows == 61 || (!acknowledged && rows == 1)) << rows << " at " << nth;
      ASSERT_TRUE(write(*again, 1));
    }
    EXPECT_GT(failures, 5);
  }
}

TEST_F(FailingDiskTest, OpeningFailsClearlyOrWorks) {
  bool failed = true;
  for (int nth = 1; failed; ++nth) {
    ASSERT_LT(nth, 1000);
    disk_.fail_at(nth, SQLITE_IOERR_WRITE);
    {
      auto connection = open();
      if (!connection) {
        EXPECT_EQ(connection.error().code, ErrorCode::storage);
      }
      failed = disk_.fired();
    }
    disk_.heal();
    ASSERT_TRUE(open());
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
}

TEST_F(FailingDiskTest, AFailedSyncPoisonsTheConnection) {
  auto connection = open();
  ASSERT_TRUE(connection->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
  ASSERT_TRUE(write(*connection, 1));
  disk_.fail_syncs(true);
  auto refused = write(*connection, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage);
  disk_.heal();  // the disk claims to be well again: that proves nothing
  ASSERT_NE(connection->poison(), nullptr);
  auto later = write(*connection, 1);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().message, refused.error().message);
  EXPECT_FALSE(connection->execute("DELETE FROM t"));
  EXPECT_FALSE(connection->checkpoint(CheckpointMode::passive));
  EXPECT_GE(count(*connection), 1);  // reading still works
  connection = open();
  EXPECT_GE(count(*connection), 1);
  EXPECT_TRUE(write(*connection, 1));
}

TEST_F(FailingDiskTest, AFullDiskIsSaidSoAndGoesOnAfterRoomWasMade) {
  auto connection = open();
  ASSERT_TRUE(connection->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
  disk_.fail_at(1, SQLITE_FULL);
  auto refused = write(*connection, 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("disk is full"), std::string::npos);
  EXPECT_EQ(connection->poison(), nullptr);
  EXPECT_TRUE(write(*connection, 1));
  EXPECT_EQ(count(*connection), 1);
}

// SQLite undoes the whole transaction when the disk is full in its middle. What follows must not
// become commits of its own.
TEST_F(FailingDiskTest, NothingIsWrittenBehindATransactionThatWasUndone) {
  auto connection = open();
  ASSERT_TRUE(connection->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
  auto transaction = Transaction::begin(*connection);
  auto insert = Statement::prepare(*connection, "INSERT INTO t(b) VALUES (zeroblob(3000))");
  disk_.fail_at(1, SQLITE_FULL);
  std::optional<Error> first;
  for (int i = 0; i < 1000 && !first; ++i) {
    if (auto done = insert->run(); !done) first = done.error();
  }
  ASSERT_TRUE(first);
  ASSERT_FALSE(connection->in_transaction());
  EXPECT_FALSE(insert->run());
  EXPECT_FALSE(Savepoint::begin(*connection));
  auto committed = transaction->commit();
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("disk is full"), std::string::npos);
  EXPECT_EQ(count(*connection), 0);
  EXPECT_TRUE(insert->run());
}

}  // namespace
}  // namespace tombolo::store
