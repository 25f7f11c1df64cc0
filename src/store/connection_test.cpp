#include "store/connection.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>

#include "store/statement.h"
#include "store/temporary_folder_for_test.h"
#include "store/transaction.h"

namespace tombolo::store {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  Connection open(const OpenOptions& options = {}) {
    auto connection = Connection::open(path_, options);
    EXPECT_TRUE(connection) << connection.error().message;
    return std::move(connection.value());
  }

  static std::int64_t integer(Connection& connection, std::string_view sql) {
    auto statement = Statement::prepare(connection, sql);
    EXPECT_TRUE(statement) << statement.error().message;
    return statement->query_one([](const Row& row) { return row.int64(0); }).value().value_or(-1);
  }

  void fill(Connection& connection, int rows) {
    ASSERT_TRUE(connection.execute(
        "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(rows) + ") INSERT INTO t(b) SELECT hex(randomblob(50)) FROM n"));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("test.db");
};

TEST_F(ConnectionTest, ANewFileHasOurSettings) {
  Connection connection = open({.synchronous = Synchronous::full});
  fill(connection, 1);
  EXPECT_EQ(integer(connection, "PRAGMA page_size"), 8192);
  EXPECT_EQ(integer(connection, "PRAGMA synchronous"), 2);
  EXPECT_EQ(integer(connection, "PRAGMA foreign_keys"), 1);
  EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
}

TEST_F(ConnectionTest, APathIsNeverAUri) {
  auto connection = Connection::open("file:/nowhere/x.db?mode=memory");
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::storage);
  EXPECT_FALSE(Connection::open(""));
  EXPECT_FALSE(Connection::open(std::string("a\0b", 3)));
  EXPECT_EQ(Connection::open(path_, {.vfs = "absent"}).error().code, ErrorCode::invalid_argument);
}

TEST_F(ConnectionTest, AMissingFolderIsNamedWithTheReason) {
  const std::string path = folder_.file("absent/test.db");
  auto connection = Connection::open(path);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::storage);
  EXPECT_NE(connection.error().message.find(path), std::string::npos);
  EXPECT_NE(connection.error().message.find("No such file or directory"), std::string::npos);
}

TEST_F(ConnectionTest, OnlyCreateMakesAFile) {
  EXPECT_FALSE(Connection::open(path_, {.mode = OpenMode::read_write}));
  EXPECT_FALSE(Connection::open(path_, {.mode = OpenMode::read_only}));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ConnectionTest, AReadOnlyConnectionReadsAndDoesNotWrite) {
  Connection writer = open();
  fill(writer, 3);
  Connection reader = open({.mode = OpenMode::read_only});
  EXPECT_EQ(integer(reader, "SELECT count(*) FROM t"), 3);
  auto refused = reader.execute("DELETE FROM t");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage);
  EXPECT_NE(refused.error().message.find("read-only"), std::string::npos);
}

// Root may write everywhere, so the folder is one where nobody may: a file stands in its place.
TEST_F(ConnectionTest, AFileWhereTheFolderShouldBeIsAClearError) {
  write_file(folder_.file("plain"), "x");
  auto connection = Connection::open(folder_.file("plain/test.db"));
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::storage);
  EXPECT_NE(connection.error().message.find("Not a directory"), std::string::npos);
}

TEST_F(ConnectionTest, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  write_file(path_, text);
  auto connection = Connection::open(path_);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::corrupt);
  EXPECT_EQ(read_file(path_), text);
}

TEST_F(ConnectionTest, ADamagedPageIsFound) {
  {
    Connection connection = open();
    fill(connection, 1000);
    EXPECT_TRUE(connection.quick_check());
  }
  std::string bytes = read_file(path_);
  ASSERT_GT(bytes.size(), 5u * 8192);
  bytes.replace(3 * 8192, 8192, 8192, '\x55');
  write_file(path_, bytes);
  Connection connection = open();
  auto checked = connection.quick_check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::corrupt);
  EXPECT_NE(checked.error().message.find(path_), std::string::npos);
}

TEST_F(ConnectionTest, ALockedFileIsBusyAndFreeAgainAfterwards) {
  Connection holder = open();
  fill(holder, 1);
  Connection other = open({.busy_timeout_ms = 0});
  {
    auto held = Transaction::begin(holder);
    ASSERT_TRUE(held);
    auto refused = Transaction::begin(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    EXPECT_EQ(integer(other, "SELECT count(*) FROM t"), 1);  // readers never wait
  }
  EXPECT_TRUE(Transaction::begin(other));
}

TEST_F(ConnectionTest, DataVersionTellsOfOthersCommits) {
  Connection mine = open();
  fill(mine, 1);
  Connection other = open();
  const auto before = mine.data_version().value();
  fill(mine, 1);
  EXPECT_EQ(mine.data_version().value(), before);
  fill(other, 1);
  EXPECT_NE(mine.data_version().value(), before);
}

TEST_F(ConnectionTest, TheOwnerMayScheduleCheckpoints) {
  Connection connection = open({.wal_autocheckpoint_pages = 0});
  fill(connection, 20000);
  EXPECT_GT(connection.wal_pages(), 100);
  const auto done = connection.checkpoint(CheckpointMode::truncate).value();
  EXPECT_TRUE(done.complete());
  EXPECT_EQ(connection.wal_pages(), 0);
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0u);
}

TEST_F(ConnectionTest, ALongLogIsCheckpointedByItself) {
  Connection connection = open({.wal_autocheckpoint_pages = 10});
  fill(connection, 20000);
  EXPECT_EQ(connection.wal_pages(), 0);
}

TEST_F(ConnectionTest, AReaderKeepsACheckpointFromCompletingButNotFromRunning) {
  Connection writer = open({.busy_timeout_ms = 0, .wal_autocheckpoint_pages = 0});
  fill(writer, 10);
  Connection reader = open();
  auto snapshot = Transaction::begin(reader, Transaction::Kind::deferred);
  EXPECT_EQ(integer(reader, "SELECT count(*) FROM t"), 10);
  fill(writer, 10);
  EXPECT_FALSE(writer.checkpoint(CheckpointMode::passive).value().complete());
  EXPECT_EQ(writer.checkpoint(CheckpointMode::truncate).error().code, ErrorCode::busy);
  EXPECT_EQ(integer(reader, "SELECT count(*) FROM t"), 10);
}

TEST_F(ConnectionTest, ALogThatIsWrittenAgainIsTheSameLog) {
  Connection connection = open({.busy_timeout_ms = 0, .wal_autocheckpoint_pages = 0});
  EXPECT_TRUE(connection.rewrite_log()) << "an empty one";
  fill(connection, 20000);
  const auto log_bytes = std::filesystem::file_size(path_ + "-wal");
  EXPECT_GT(log_bytes, 1024u * 1024) << "many chunks";
  const auto done = connection.rewrite_log();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), log_bytes);
  Connection reader = open();
  EXPECT_EQ(integer(reader, "SELECT count(*) FROM t"), 20000);
  fill(connection, 10);
  EXPECT_EQ(integer(reader, "SELECT count(*) FROM t"), 20010);
  auto writing = Transaction::begin(reader, Transaction::Kind::immediate);
  EXPECT_EQ(connection.rewrite_log().error().code, ErrorCode::busy);
}

TEST_F(ConnectionTest, ABackupIsAWholeCopyAndReplacesNothing) {
  Connection connection = open();
  fill(connection, 20000);
  const std::string copy = folder_.file("copy.db");
  int calls = 0;
  ASSERT_TRUE(connection.backup_to(copy, [&calls](int, int) { return ++calls > 0; }));
  EXPECT_GT(calls, 0);
  {
    Connection copied = std::move(Connection::open(copy).value());
    EXPECT_EQ(integer(copied, "SELECT count(*) FROM t"), 20000);
    EXPECT_TRUE(copied.quick_check());
  }
  EXPECT_EQ(connection.backup_to(copy).error().code, ErrorCode::already_exists);
  const std::string stopped = folder_.file("stopped.db");
  auto refused = connection.backup_to(stopped, [](int, int) { return false; });
  EXPECT_EQ(refused.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(std::filesystem::exists(stopped));
  EXPECT_TRUE(connection.execute("INSERT INTO t(b) VALUES ('after')"));
}

TEST_F(ConnectionTest, ATornLogLosesOnlyWhatWasNotWholeOnTheDisk) {
  Connection connection = open({.wal_autocheckpoint_pages = 0});
  fill(connection, 1);
  const std::size_t first_commit = std::filesystem::file_size(path_ + "-wal");
  fill(connection, 2000);
  // What a power loss leaves: both files as they are, the log cut or scrambled anywhere behind the
  // first commit.
  const std::string database = read_file(path_);
  const std::string log = read_file(path_ + "-wal");
  const std::string copy = folder_.file("copy.db");
  for (std::size_t at = first_commit; at < log.size(); at += 3001) {
    for (const bool cut : {true, false}) {
      std::string torn = log;
      if (cut) {
        torn.resize(at);
      } else {
        torn[at] = static_cast<char>(~torn[at]);
      }
      std::filesystem::remove(copy + "-shm");
      write_file(copy, database);
      write_file(copy + "-wal", torn);
      Connection recovered = std::move(Connection::open(copy).value());
      ASSERT_EQ(integer(recovered, "SELECT count(*) FROM t"), 1) << at << (cut ? " cut" : "");
      ASSERT_TRUE(recovered.quick_check());
    }
  }
}

TEST_F(ConnectionTest, StatementsMayOutliveTheirConnection) {
  std::optional<Connection> connection = open();
  auto statement = Statement::prepare(*connection, "SELECT 1");
  connection.reset();
  statement = fail(ErrorCode::not_found, "");
  EXPECT_TRUE(Connection::open(path_));
}

}  // namespace
}  // namespace tombolo::store
