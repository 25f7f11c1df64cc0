#include "client/commit_watch.h"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

#include "client/local_store.h"
#include "client/test_database.h"
#include "store/connection.h"

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
  // Many looks long.
  static void pass_some_time() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }
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
  const auto connection = store::Connection::open(path(), {});
  ASSERT_TRUE(connection);
  EXPECT_TRUE(os::FileWatch(connection->log_path()).is_watching());
  watch(connection->log_path());
  for (int round = 0; round < 20; ++round) {
    const int before = calls();
    write();
    EXPECT_TRUE(is_called(before));
  }
  const int before = calls();
  (void)db().collection("c").count().value();
  pass_some_time();
  EXPECT_EQ(calls(), before);
}

// A commit can be seen later than it was written, when its writer has synced it: here without a
// word from the system. The file that is watched is another one.
TEST_F(CommitWatchTest, GoesOnLookingAfterAWrite) {
  const std::string watched = path() + "-watched";
  std::ofstream file(watched);
  watch(watched);
  file << "more" << std::flush;
  pass_some_time();
  const int before = calls();
  write();
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
  pass_some_time();
  EXPECT_EQ(calls(), before);
}

}  // namespace
}  // namespace tombolo::client
