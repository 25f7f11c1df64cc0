#include "server/readers.h"

#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"
#include "os/files.h"
#include "server/changes.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"

namespace tombolo::server {
namespace {

// Keeps its tasks until it is told to run them: a turn.
class Turn final : public net::Executor {
 public:
  bool is_current() const override { return true; }
  void post(net::Task task) override { tasks_.push_back(std::move(task)); }
  net::TimerId schedule(std::int64_t, net::Task) override { return 1; }
  void cancel(net::TimerId) override {}
  void end() {
    for (net::Task& task : std::exchange(tasks_, {})) task();
  }
  std::size_t tasks() const { return tasks_.size(); }

 private:
  std::vector<net::Task> tasks_;
};

class ReadersTest : public testing::Test {
 protected:
  void SetUp() override {
    SqliteStorageOptions options;
    options.path = directory_.path() + "/server.db";
    storage_ = std::move(*open_sqlite_storage(options, clock_, random_));
    ids_.emplace(clock_, random_);
    readers_.emplace(*storage_);
  }

  void put(const Object& data) {
    WriteTransaction* const transaction = storage_->begin_write().value();
    WriteContext context(*transaction, clock_.wall_ms(), storage_->node(), *ids_);
    ASSERT_TRUE(put_object(context, {record_, data, kNoPermissions, {}}));
    ASSERT_TRUE(storage_->commit());
  }

  std::string read(const std::shared_ptr<net::Executor>& executor) {
    return readers_->begin(executor).value()->find(record_).value()->data;
  }

  ManualClock clock_;
  SeededRandom random_{1};
  os::TemporaryDirectory directory_ = os::TemporaryDirectory::make().value();
  std::unique_ptr<Storage> storage_;
  std::optional<UuidGenerator> ids_;
  std::optional<Readers> readers_;
  const std::shared_ptr<Turn> turn_ = std::make_shared<Turn>();
  const ObjectPath record_{ListPath::records("b", "c"), "x"};
};

TEST_F(ReadersTest, WhatIsAskedInOneTurnSeesEachCommit) {
  put({{"a", 1}});
  EXPECT_EQ(read(turn_), R"({"a":1})");
  EXPECT_EQ(read(turn_), R"({"a":1})");
  put({{"a", 2}});
  EXPECT_EQ(read(turn_), R"({"a":2})");
  turn_->end();
  put({{"a", 3}});
  EXPECT_EQ(read(turn_), R"({"a":3})");
}

TEST_F(ReadersTest, TheSnapshotEndsWithTheTurn) {
  put({{"a", 1}});
  read(turn_);
  read(turn_);
  EXPECT_EQ(turn_->tasks(), 1U) << "one task ends it";
  turn_->end();
  put({{"a", 2}});
  const std::int64_t bytes = storage_->maintenance_state().log_bytes;
  ASSERT_TRUE(storage_->checkpoint(true));
  put({{"a", 3}});
  EXPECT_LT(storage_->maintenance_state().log_bytes, bytes) << "the log begins anew";
}

TEST_F(ReadersTest, WithoutAnExecutorItEndsAtOnce) {
  put({{"a", 1}});
  EXPECT_EQ(read(nullptr), R"({"a":1})");
  put({{"a", 2}});
  const std::int64_t bytes = storage_->maintenance_state().log_bytes;
  ASSERT_TRUE(storage_->checkpoint(true));
  put({{"a", 3}});
  EXPECT_LT(storage_->maintenance_state().log_bytes, bytes);
}

TEST_F(ReadersTest, ATurnMayEndAfterTheReaders) {
  put({{"a", 1}});
  read(turn_);
  readers_.reset();
  turn_->end();
}

TEST_F(ReadersTest, OneSnapshotAtATime) {
  put({{"a", 1}});
  const auto first = readers_->begin(turn_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(readers_->begin(turn_));
}

}  // namespace
}  // namespace tombolo::server
