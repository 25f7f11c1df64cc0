// What a device writes to records that others have written, however wrong its clock is.
#include "client/local_writes.h"

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/engine.h"
#include "client/ingest.h"
#include "client/ledger_access.h"
#include "client/refold.h"
#include "os/files.h"

namespace tombolo::client {
namespace {

using core::OperationType;

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::int64_t kAnHourMs = 3'600'000;

class SetClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms; }
  std::int64_t monotonic_ms() const override { return now_ms - kNowMs; }
  std::int64_t now_ms = kNowMs;
};

class LocalWritesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    Environment environment = Environment::system();
    environment.clock = &clock_;
    engine_ = Engine::open(directory_->path() + "/test.db", {.durability = Durability::relaxed},
                           environment)
                  .value();
    // Once it has been used, it learns no stamp from far in the future.
    write([](LocalWriter& writer) { return writer.put("first", {{"n", 0}}); });
  }
  void TearDown() override {
    engine_.reset();
    directory_.reset();
  }

  // An operation of another device on record "a".
  static core::Operation operation(OperationType type, std::int64_t wall_ms, Object data,
                                   std::optional<Object> previous = {}) {
    core::Operation operation;
    operation.node = "elsewhere";
    operation.type = type;
    operation.collection = "c";
    operation.record = "a";
    operation.data = std::move(data);
    operation.previous_data = std::move(previous);
    operation.timestamp = {wall_ms, 0, operation.node};
    operation.sequence_number = wall_ms;
    operation.id = core::operation_id(operation).value();
    return operation;
  }
  void receive(const core::Operation& operation) {
    ASSERT_TRUE(
        engine_->write([&](WriteSession& session) { return ingest(session, operation, 1); }));
  }
  template <typename Work>
  void write(const Work& work) {
    const auto done = engine_->write([&](WriteSession& session) -> Result<void> {
      auto writer = LocalWriter::of(session, "c");
      if (!writer) return fail(writer);
      return work(*writer);
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  core::RecordState record() {
    return engine_
        ->write([](WriteSession& session) -> Result<core::RecordState> {
          const auto collection = session.catalog().collection("c");
          if (!collection) return fail(collection);
          const auto row = session.find_record(**collection, "a");
          if (!row) return fail(row);
          return session.state_of(**row);
        })
        .value();
  }
  // As its log says.
  core::RecordState folded_record() {
    const auto done = engine_->write([](WriteSession& session) -> Result<void> {
      const auto collection = session.catalog().collection("c");
      if (!collection) return fail(collection);
      const auto row = session.find_record(**collection, "a");
      if (!row) return fail(row);
      return refold(session, **collection, "a", **row);
    });
    EXPECT_TRUE(done);
    return record();
  }
  std::vector<Loss> losses() {
    auto reader = engine_->reader();
    return read_losses((*reader)->access()).value();
  }

  SetClock clock_;
  std::optional<os::TemporaryDirectory> directory_;
  std::shared_ptr<Engine> engine_;
};

TEST_F(LocalWritesTest, ADeviceWhoseClockIsBehindChangesWhatItSaw) {
  const core::Operation theirs =
      operation(OperationType::insert, kNowMs + 5 * kAnHourMs, {{"x", 1}, {"y", 1}});
  receive(theirs);
  write([](LocalWriter& writer) { return writer.patch("a", {{"x", 2}}); });
  const core::RecordState changed = record();
  EXPECT_EQ(changed.fields, (Object{{"x", 2}, {"y", 1}}));
  EXPECT_GT(changed.version, theirs.timestamp);
  EXPECT_EQ(folded_record(), changed);
  write([](LocalWriter& writer) { return writer.replace("a", {{"z", 3}}); });
  EXPECT_EQ(record().fields, (Object{{"z", 3}}));
  EXPECT_GT(record().version, changed.version);
  EXPECT_TRUE(losses().empty()) << "each saw what it changed";
}

TEST_F(LocalWritesTest, ADeviceWhoseClockIsBehindRemovesWhatItSaw) {
  const core::Operation theirs =
      operation(OperationType::insert, kNowMs + 5 * kAnHourMs, {{"x", 1}});
  receive(theirs);
  write([](LocalWriter& writer) { return writer.remove("a"); });
  const core::RecordState removed = record();
  EXPECT_FALSE(removed.alive());
  EXPECT_GT(removed.version, theirs.timestamp);
  EXPECT_EQ(folded_record(), removed);
  write([](LocalWriter& writer) { return writer.put("a", {{"x", 7}}); });
  EXPECT_TRUE(record().alive());
  EXPECT_EQ(record().fields, (Object{{"x", 7}}));
  EXPECT_TRUE(losses().empty());
}

TEST_F(LocalWritesTest, AnEditThatARemovalDidNotKnowIsInTheLedgerHoweverOldItIs) {
  receive(operation(OperationType::insert, kNowMs - 2 * kAnHourMs, {{"n", "A"}, {"m", "X"}}));
  write([](LocalWriter& writer) { return writer.patch("a", {{"m", "Y"}}); });
  write([](LocalWriter& writer) { return writer.remove("a"); });
  EXPECT_TRUE(losses().empty());
  receive(operation(OperationType::update, kNowMs - kAnHourMs, {{"n", "B"}}, Object{{"n", "A"}}));
  EXPECT_FALSE(record().alive());
  const std::vector<Loss> lost = losses();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].rule, "delete-wins");
  EXPECT_EQ(lost[0].record, "a");
  EXPECT_EQ(lost[0].losing_value, Value(Object{{"n", "B"}, {"m", "Y"}}));
  EXPECT_FALSE(lost[0].winning_value);
}

// What a device's file takes, and what it makes after it, the file can be opened with again.
TEST_F(LocalWritesTest, WritesGoOnAtTheEndOfTime) {
  core::Operation last = operation(OperationType::insert, core::kMaxKeptWallMs, {{"n", 1}});
  last.timestamp.logical = core::kMaxLogical;
  last.sequence_number = 1;
  last.id = core::operation_id(last).value();
  receive(last);
  for (int n = 2; n < 5; ++n) {
    write([n](LocalWriter& writer) { return writer.put("a", {{"n", n}}); });
  }
  clock_.now_ms = core::kMaxPackedWallMs * 2;
  write([](LocalWriter& writer) { return writer.put("b", {{"n", 5}}); });
  clock_.now_ms = kNowMs;
  write([](LocalWriter& writer) { return writer.put("a", {{"n", 6}}); });
  core::Operation beyond = operation(OperationType::insert, core::kMaxKeptWallMs + 1, {{"n", 7}});
  beyond.sequence_number = 2;
  beyond.id = core::operation_id(beyond).value();
  const auto refused =
      engine_->write([&](WriteSession& session) { return ingest(session, beyond, 1); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_data);
}

}  // namespace
}  // namespace tombolo::client
