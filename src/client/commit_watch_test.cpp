#include "client/commit_watch.h"

#include <gtest/gtest.h>

#include "client/local_store.h"
#include "client/test_database.h"
#include "store/statement.h"

namespace tombolo::client {
namespace {

class CommitWatchTest : public testing::DatabaseFixture {
 protected:
  static constexpr std::int64_t kIntervalMs = 1;

  void TearDown() override {
    watch_.reset();
    readers_.reset();
    DatabaseFixture::TearDown();
  }

  void watch(const std::string& log_path) {
    readers_.emplace(path(), connection_options({}, Environment::system(), true));
    watch_.emplace(*readers_, log_path, kIntervalMs,
                   [this] { calls_.change([](int& calls) { ++calls; }); });
    watch_->start();
    EXPECT_TRUE(is_called(0)) << "at the start";
  }
  void write() { ASSERT_TRUE(db().collection("c").create({{"n", 1}})); }
  int calls() { return calls_.get(); }
  bool is_called(int after) {
    return calls_.wait([after](int calls) { return calls > after; });
  }

  std::optional<ReaderPool> readers_;
  std::optional<CommitWatch> watch_;
  testing::Watched<int> calls_;
};

TEST_F(CommitWatchTest, NoticesEachCommitAndNothingElse) {
  watch(path() + "-wal");
  for (int round = 0; round < 20; ++round) {
    const int before = calls();
    write();
    EXPECT_TRUE(is_called(before));
  }
  const int before = calls();
  (void)db().collection("c").count().value();
  EXPECT_EQ(calls(), before);
}

// A commit can be seen some time after it was written, when its writer has synced it.
TEST_F(CommitWatchTest, LooksAgainAfterWhatWasWrittenAndIsNoCommitYet) {
  watch(path() + "-wal");
  auto writer = store::Connection::open(path(), {});
  ASSERT_TRUE(writer);
  // So large that it is written to the log before it is committed.
  ASSERT_TRUE(
      writer->execute("PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE t(x);"
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                      "WHERE i < 1000) INSERT INTO t SELECT zeroblob(1000) FROM n;"));
  const int before = calls();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(calls(), before);
  ASSERT_TRUE(writer->execute("COMMIT"));
  EXPECT_TRUE(is_called(before));
}

TEST_F(CommitWatchTest, LooksByTimeAloneWhereTheSystemTellsNothing) {
  watch(path() + "-no-such-file");
  const int before = calls();
  write();
  EXPECT_TRUE(is_called(before));
}

TEST_F(CommitWatchTest, CallsNobodyOnceItIsStopped) {
  watch(path() + "-wal");
  watch_->stop();
  const int before = calls();
  write();
  watch_->start();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(calls(), before);
}

}  // namespace
}  // namespace tombolo::client
