#include "server/writer.h"

#include <gtest/gtest.h>
#include <optional>
#include <set>
#include <sqlite3.h>
#include <string>
#include <vector>

#include "base/random.h"
#include "os/files.h"
#include "server/changes.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"
#include "server/writer_thread.h"
#include "store/fault_vfs_for_test.h"

namespace tombolo::server {
namespace {

class WriterTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<os::TemporaryDirectory> directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    SqliteStorageOptions options;
    options.path = directory_->path() + "/server.db";
    options.vfs = store::FaultVfs::kName;
    storage_ = std::move(*open_sqlite_storage(options, clock_, random_));
    make({});
  }
  void make(WriterLimits limits) {
    writer_.emplace(*storage_, feed_, clock_, random_, logger_, limits);
  }
  // Submits a write of record `id`; what it is told goes to answers_.
  void submit(const std::string& id, std::optional<ErrorCode> fails = {},
              bool after_writing = false) {
    WriteRequest request;
    request.work = [id, fails, after_writing](WriteContext& context) -> Result<void> {
      if (fails && !after_writing) return fail(*fails, "refused");
      Result<StoredObject> stored =
          put_object(context, {{ListPath::records("b", "c"), id}, {}, 0, {}});
      if (!stored) return fail(stored);
      if (fails) return fail(*fails, "failed late");
      return {};
    };
    request.done = [this, id](Result<void> result, net::DeliveryBatch&) {
      answers_.push_back(id + (result ? ":ok" : ":" + std::string(name_of(result.error().code))));
    };
    writer_->submit(std::move(request));
  }
  std::int64_t logged() {
    const auto reader = std::move(*storage_->open_reader());
    return (*reader->begin())->bucket_log("b").value().delivery_sequence;
  }

  store::FaultVfs disk_;
  ManualClock clock_;
  SeededRandom random_{1};
  NullLogger logger_;
  Feed feed_;
  std::optional<os::TemporaryDirectory> directory_;
  std::unique_ptr<Storage> storage_;
  std::optional<Writer> writer_;
  std::vector<std::string> answers_;
};

using Answers = std::vector<std::string>;

TEST_F(WriterTest, AnswersAfterOneCommitForAllAndTellsTheFeedOnce) {
  std::vector<std::pair<std::int64_t, std::int64_t>> events;
  const Feed::Subscription subscription =
      feed_.subscribe("b", [&](const FeedEvent& event, net::DeliveryBatch&) {
        events.emplace_back(event.first_sequence, event.last_sequence);
        EXPECT_TRUE(answers_.empty()) << "the feed comes before the answers";
      });
  submit("x");
  submit("no", ErrorCode::precondition_failed);
  submit("y");
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(writer_->commit_pending());
  EXPECT_EQ(answers_, (Answers{"x:ok", "no:precondition_failed", "y:ok"}));
  EXPECT_EQ(events, (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2}}));
  EXPECT_EQ(logged(), 2);
  EXPECT_FALSE(writer_->commit_pending());
}

TEST_F(WriterTest, AFullQueueAnswersBusyAtOnce) {
  WriterLimits limits;
  limits.queue_requests = 2;
  make(limits);
  submit("x");
  submit("y");
  submit("z");
  EXPECT_EQ(answers_, Answers{"z:busy"});
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"z:busy", "x:ok", "y:ok"}));
}

TEST_F(WriterTest, WorkThatFailsHalfwayTakesItsGroupWithIt) {
  submit("x");
  submit("bad", ErrorCode::invalid_data, true);
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:unavailable", "bad:unavailable", "y:unavailable"}));
  EXPECT_EQ(logged(), 0);
  answers_.clear();
  submit("z");
  writer_->commit_pending();
  EXPECT_EQ(answers_, Answers{"z:ok"});
  EXPECT_EQ(logged(), 1);
}

TEST_F(WriterTest, AFullDiskRefusesTheGroupAndNothingElse) {
  submit("x");
  submit("full", ErrorCode::storage, true);
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:storage", "full:storage"}));
  answers_.clear();
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(answers_, Answers{"y:ok"});
}

// Every write of a commit fails once for want of space. Nothing of that group is acknowledged or
// kept, and the next one works.
TEST_F(WriterTest, WhateverWriteFindsTheDiskFullNothingIsHalfWritten) {
  std::set<std::string> acknowledged;
  bool fired = true;
  for (int nth = 1; fired; ++nth) {
    ASSERT_LT(nth, 1000);
    answers_.clear();
    const std::string id = "r" + std::to_string(nth);
    submit(id);
    disk_.fail_at(nth, SQLITE_FULL);
    writer_->commit_pending();
    fired = disk_.fired();
    disk_.heal();
    ASSERT_EQ(answers_, Answers{id + (fired ? ":storage" : ":ok")});
    if (!fired) acknowledged.insert(id);
    submit(id + "-after");
    writer_->commit_pending();
    ASSERT_EQ(answers_.back(), id + "-after:ok");
    acknowledged.insert(id + "-after");
  }
  std::set<std::string> kept;
  const auto reader = std::move(*storage_->open_reader());
  ListQuery query;
  query.list = ListPath::records("b", "c");
  ASSERT_TRUE((*reader->begin())->list(query, [&](const ObjectView& object) {
    kept.emplace(object.id);
    return true;
  }));
  EXPECT_EQ(kept, acknowledged);
  EXPECT_EQ(logged(), static_cast<std::int64_t>(acknowledged.size())) << "no gap";
}

TEST_F(WriterTest, AFailedSyncPoisonsTheStorageForGood) {
  int told = 0;
  writer_->set_on_poisoned([&](const Error&) { ++told; });
  submit("x");
  writer_->commit_pending();
  submit("y");
  disk_.fail_syncs(true);
  writer_->commit_pending();
  disk_.heal();
  submit("z");
  writer_->commit_pending();
  EXPECT_EQ(told, 1);
  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[0], "x:ok");
  EXPECT_NE(answers_[1], "y:ok");
  EXPECT_EQ(answers_[2], "z:unavailable");
}

TEST_F(WriterTest, OnceClosedItRefusesAndCommitsWhatWaited) {
  submit("x");
  {
    WriterThread thread(*writer_);
    thread.stop();
  }
  submit("y");
  EXPECT_EQ(answers_, (Answers{"x:ok", "y:unavailable"}));
}

}  // namespace
}  // namespace tombolo::server
