#include "server/writer.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "os/files.h"
#include "server/changes.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"
#include "server/writer_thread.h"

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
