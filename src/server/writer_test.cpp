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
#include "server/checkpoint_thread.h"
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
  // Submits a write of record `id`; what it is told goes to answers_. It takes part_ms_, too.
  void submit(const std::string& id, std::optional<ErrorCode> fails = {},
              bool after_writing = false, bool guarded = false) {
    WriteRequest request;
    request.guarded = guarded;
    request.work = [this, id, fails, after_writing](WriteContext& context) -> Result<Progress> {
      if (fails && !after_writing) return fail(*fails, "refused");
      Result<StoredObject> stored =
          put_object(context, {{ListPath::records("b", "c"), id}, {}, 0, {}});
      if (!stored) return fail(stored);
      if (fails) return fail(*fails, "failed late");
      clock_.advance(part_ms_);
      return Progress::finished;
    };
    request.done = [this, id](Result<void> result, net::DeliveryBatch&) {
      answers_.push_back(id + (result ? ":ok" : ":" + std::string(name_of(result.error().code))));
    };
    writer_->submit(std::move(request));
  }
  // Submits work of several parts, each of which writes a record; the last one may fail.
  void submit_bulk(const std::string& id, int parts, std::optional<ErrorCode> fails = {},
                   const void* lane = nullptr) {
    WriteRequest request;
    request.bulk = true;
    request.lane = lane;
    request.work = [this, id, parts, fails,
                    part = 0](WriteContext& context) mutable -> Result<Progress> {
      const std::string record = id + std::to_string(++part);
      steps_.push_back(record);
      const Result<StoredObject> stored =
          put_object(context, {{ListPath::records("b", "c"), record}, {}, 0, {}});
      if (!stored) return fail(stored);
      clock_.advance(part_ms_);
      if (part < parts) return Progress::more;
      if (fails) return fail(*fails, "failed late");
      return Progress::finished;
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
  std::vector<std::string> steps_;  // parts of bulk, in the order in which they ran
  std::int64_t part_ms_ = 0;        // that each takes
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

TEST_F(WriterTest, WhateverFailsBeforeItHasWrittenFailsAlone) {
  submit("x");
  submit("damaged", ErrorCode::corrupt);
  submit("disk", ErrorCode::storage);
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:ok", "damaged:corrupt", "disk:storage", "y:ok"}));
  EXPECT_EQ(logged(), 2);
}

TEST_F(WriterTest, APartOfMuchWorkIsUndoneAlone) {
  std::vector<std::pair<std::int64_t, std::int64_t>> events;
  const Feed::Subscription subscription =
      feed_.subscribe("b", [&](const FeedEvent& event, net::DeliveryBatch&) {
        events.emplace_back(event.first_sequence, event.last_sequence);
        EXPECT_EQ(event.last_sequence - event.first_sequence + 1,
                  static_cast<std::int64_t>(event.operations->size()));
      });
  submit("x");
  submit_bulk("bad", 2, ErrorCode::corrupt);
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:ok", "bad:corrupt"}));
  EXPECT_EQ(steps_, (Answers{"bad1", "bad2"}));
  EXPECT_EQ(logged(), 2) << "x and the first part";
  EXPECT_EQ(events, (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2}}));
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(logged(), 3) << "no gap";
  EXPECT_EQ(events.back(), (std::pair<std::int64_t, std::int64_t>(3, 3)));
}

TEST_F(WriterTest, GuardedWorkIsUndoneAlone) {
  submit("x");
  submit("bad", ErrorCode::invalid_data, true, true);
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:ok", "bad:invalid_data", "y:ok"}));
  EXPECT_EQ(logged(), 2);
}

TEST_F(WriterTest, MuchWorkGivesWayAfterEachPart) {
  part_ms_ = 1000;  // so that each work is a group
  submit_bulk("big", 3);
  writer_->commit_pending();
  EXPECT_EQ(steps_, Answers{"big1"});
  for (const char* id : {"x", "y", "z"}) submit(id);
  writer_->commit_pending();
  EXPECT_EQ(answers_, Answers{"x:ok"});
  EXPECT_EQ(steps_, (Answers{"big1", "big2"})) << "but not for ever";
  while (writer_->commit_pending()) {
  }
  EXPECT_EQ(answers_, (Answers{"x:ok", "y:ok", "big:ok", "z:ok"}));
  EXPECT_EQ(logged(), 6);
}

TEST_F(WriterTest, MuchWorkOfDifferentPeopleTakesTurns) {
  part_ms_ = 1000;
  const char ann = 'a';
  const char bob = 'b';
  submit_bulk("ann", 3, {}, &ann);
  submit_bulk("late", 1, {}, &ann);
  submit_bulk("bob", 2, {}, &bob);
  submit_bulk("other", 2);
  while (writer_->commit_pending()) {
  }
  EXPECT_EQ(steps_, (Answers{"ann1", "bob1", "other1", "ann2", "bob2", "other2", "ann3", "late1"}))
      << "ann's own stays in its order";
  EXPECT_EQ(answers_, (Answers{"bob:ok", "other:ok", "ann:ok", "late:ok"}));
}

TEST_F(WriterTest, WorksThatGiveWayKeepTheOrderOfTheirLane) {
  const char lane = 'a';
  const auto submit_giving_way = [&](const std::string& id, int times) {
    WriteRequest request;
    request.lane = &lane;
    request.work = [this, times](WriteContext&) mutable -> Result<Progress> {
      clock_.advance(part_ms_);
      return --times < 0 ? Progress::finished : Progress::more;
    };
    request.done = [this, id](const Result<void>&, net::DeliveryBatch&) { answers_.push_back(id); };
    writer_->submit(std::move(request));
  };
  for (const char* id : {"x", "y", "z"}) submit_giving_way(id, 1);
  submit_bulk("last", 1, {}, &lane);
  while (writer_->commit_pending()) {
  }
  EXPECT_EQ(answers_, (Answers{"x", "y", "z", "last:ok"}));
  answers_.clear();
  part_ms_ = 1000;
  submit_giving_way("first", 2);
  writer_->commit_pending();
  submit_giving_way("second", 1);
  while (writer_->commit_pending()) {
  }
  EXPECT_EQ(answers_, (Answers{"first", "second"}));
}

TEST_F(WriterTest, MuchWorkDoesNotOvertakeWhatCameBeforeIt) {
  part_ms_ = 1000;
  submit("x");
  submit("y");
  submit_bulk("big", 1);
  submit("z");
  while (writer_->commit_pending()) {
  }
  EXPECT_EQ(answers_, (Answers{"x:ok", "y:ok", "big:ok", "z:ok"}));
}

// The part that was run is lost with its group, so nothing may go on as if it were there.
TEST_F(WriterTest, MuchWorkWhosePartCannotBeCommittedHasFailed) {
  part_ms_ = 1000;
  bool fired = true;
  int acknowledged = 0;
  for (int nth = 1; fired; ++nth) {
    ASSERT_LT(nth, 1000);
    answers_.clear();
    steps_.clear();
    submit_bulk("try" + std::to_string(nth) + "-", 3);
    disk_.fail_at(nth, SQLITE_FULL);
    writer_->commit_pending();
    fired = disk_.fired();
    disk_.heal();
    while (writer_->commit_pending()) {
    }
    ASSERT_EQ(answers_.size(), 1u);
    ASSERT_EQ(answers_[0].ends_with(":ok"), !fired) << answers_[0];
    ASSERT_EQ(steps_.size(), fired ? 1u : 3u);
    if (!fired) acknowledged += 3;
  }
  EXPECT_EQ(logged(), acknowledged);
}

TEST_F(WriterTest, MuchWorkGoesOnWhileNobodyWaits) {
  submit_bulk("big", 3);
  submit_bulk("next", 2);
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"big:ok", "next:ok"}));
  EXPECT_FALSE(writer_->commit_pending());
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

class CountedCheckpoints final : public BackgroundCheckpoints {
 public:
  bool running() const override { return running_; }
  void request() override {
    ++requests_;
    running_ = true;
  }
  bool running_ = false;
  int requests_ = 0;
};

TEST_F(WriterTest, AsksForCheckpointsAsTheLogGrowsAndStartsItAnewAtItsLimit) {
  WriterLimits limits;
  limits.checkpoint_bytes = 1 << 20;
  limits.log_limit_bytes = 2 << 20;
  make(limits);
  CountedCheckpoints checkpoints;
  const auto checkpointer = std::move(*storage_->open_checkpointer());
  writer_->set_checkpoints(checkpoints);
  int number = 0;
  const auto log_bytes = [&] { return storage_->maintenance_state().log_bytes; };
  const auto grow_to = [&](std::int64_t bytes) {
    while (log_bytes() < bytes) {
      submit("r" + std::to_string(++number));
      writer_->commit_pending();
      writer_->maintain(false);
    }
  };
  grow_to(limits.checkpoint_bytes);
  EXPECT_EQ(checkpoints.requests_, 1);
  grow_to(limits.log_limit_bytes);
  EXPECT_EQ(checkpoints.requests_, 1) << "one at a time";
  ASSERT_TRUE(checkpointer->run());
  checkpoints.running_ = false;
  writer_->maintain(false);
  EXPECT_EQ(log_bytes(), 0) << "what is left is little: the writer does it";
  submit("after");
  writer_->commit_pending();
  EXPECT_LT(log_bytes(), limits.checkpoint_bytes);
  EXPECT_EQ(logged(), number + 1);
}

TEST_F(WriterTest, ACheckpointThatFailsIsNotTriedAgainUntilTheLogHasGrown) {
  WriterLimits limits;
  limits.checkpoint_bytes = 1 << 20;
  limits.log_limit_bytes = 1 << 20;
  make(limits);
  const auto reader = std::move(*storage_->open_reader());
  submit("first");
  writer_->commit_pending();
  const auto snapshot = std::move(*reader->begin());
  ASSERT_TRUE(snapshot->bucket_log("b"));
  int number = 0;
  while (storage_->maintenance_state().log_bytes < limits.log_limit_bytes) {
    submit("r" + std::to_string(++number));
    writer_->commit_pending();
  }
  disk_.fail_at(1, SQLITE_IOERR);
  writer_->maintain(false);
  EXPECT_TRUE(disk_.fired());
  disk_.heal();
  disk_.fail_at(1, SQLITE_IOERR);
  writer_->maintain(true);
  writer_->maintain(false);
  EXPECT_FALSE(disk_.fired());
  disk_.heal();
  submit("last");
  writer_->commit_pending();
  EXPECT_EQ(answers_.back(), "last:ok");
}

TEST_F(WriterTest, AFailedSyncOfACheckpointPoisonsTheStorage) {
  submit("x");
  writer_->commit_pending();
  const auto checkpointer = std::move(*storage_->open_checkpointer());
  disk_.fail_syncs(true);
  EXPECT_FALSE(checkpointer->run());
  disk_.heal();
  submit("y");
  writer_->commit_pending();
  EXPECT_EQ(answers_, (Answers{"x:ok", "y:unavailable"}));
}

TEST_F(WriterTest, TheCheckpointThreadMakesThemBesideTheWriter) {
  CheckpointThread checkpoints(std::move(*storage_->open_checkpointer()), logger_);
  WriterLimits limits;
  limits.checkpoint_bytes = 1;
  make(limits);
  writer_->set_checkpoints(checkpoints);
  for (int number = 0; number < 50; ++number) {
    submit("r" + std::to_string(number));
    writer_->commit_pending();
    writer_->maintain(false);
  }
  checkpoints.stop();
  checkpoints.request();
  EXPECT_EQ(logged(), 50);
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
