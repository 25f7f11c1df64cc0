#include "client/ingest.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "client/engine.h"
#include "client/ledger_access.h"
#include "client/query_runner.h"
#include "core/names.h"
#include "os/files.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::client {
namespace {

// "number losing winning" of each, oldest first.
std::vector<std::string> losses_of(Engine& engine) {
  auto reader = engine.reader();
  const std::vector<Loss> read = read_losses((*reader)->access()).value();
  std::vector<std::string> losses;
  for (const Loss& loss : read) {
    losses.push_back(std::to_string(loss.id) + " " + loss.losing_value.value_or("").to_json() +
                     " " + loss.winning_value.value_or("").to_json());
  }
  return losses;
}

class IngestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    engine_ = Engine::open(directory_->path() + "/test.db", {.durability = Durability::relaxed},
                           Environment::system())
                  .value();
  }
  void TearDown() override {
    engine_.reset();
    directory_.reset();
  }

  // An operation of another device, the later the greater `wall_ms`.
  static core::Operation operation(core::OperationType type, std::string record,
                                   std::int64_t wall_ms, std::optional<Object> data = Object()) {
    core::Operation operation;
    operation.node = "elsewhere";
    operation.type = type;
    operation.collection = "c";
    operation.record = std::move(record);
    operation.data = std::move(data);
    if (type == core::OperationType::update) operation.previous_data.emplace();
    operation.timestamp = {wall_ms, 0, operation.node};
    operation.sequence_number = wall_ms;
    operation.id = core::operation_id(operation).value();
    return operation;
  }
  static core::Operation insert(std::string record, std::int64_t wall_ms, Object data = {}) {
    return operation(core::OperationType::insert, std::move(record), wall_ms, std::move(data));
  }
  Result<void> receive(const core::Operation& operation) {
    return engine_->write([&](WriteSession& session) { return ingest(session, operation, 1); });
  }
  std::string record(const std::string& id, const std::string& collection = "c") {
    auto reader = engine_->reader();
    const auto key = (*reader)->collection_key(collection);
    const auto found = find_record((*reader)->access(), *key, id);
    return found && *found ? (*found)->to_json() : "none";
  }

  std::optional<os::TemporaryDirectory> directory_;
  std::shared_ptr<Engine> engine_;
};

TEST_F(IngestTest, TakesEveryNameThatTheRuleAllows) {
  const std::string long_id(core::kMaxNameBytes, 'x');
  ASSERT_TRUE(receive(insert(long_id, 1, {{"a", 1}})));
  EXPECT_EQ(record(long_id), "{\"id\":\"" + long_id + "\",\"a\":1}");
  core::Operation odd = insert("a/b c", 2, {{"a", 2}});
  odd.collection = "_any thing.at/all";
  odd.id = core::operation_id(odd).value();
  ASSERT_TRUE(receive(odd));
  EXPECT_EQ(record("a/b c", odd.collection), R"({"id":"a/b c","a":2})");
}

TEST_F(IngestTest, RefusesWhatTheRuleDoesNotAllow) {
  EXPECT_EQ(receive(insert(std::string(core::kMaxNameBytes + 1, 'x'), 1)).error().code,
            ErrorCode::invalid_data);
}

TEST_F(IngestTest, TheSameOperationTwiceIsTheSameAsOnce) {
  const core::Operation once = insert("a", 1, {{"n", 1}});
  ASSERT_TRUE(receive(once));
  ASSERT_TRUE(receive(once));
  EXPECT_EQ(record("a"), R"({"id":"a","n":1})");
  auto reader = engine_->reader();
  auto select = (*reader)->access().cache.get("SELECT count(*) FROM operations");
  EXPECT_EQ((*select)->query_one([](const store::Row& row) { return row.int64(0); }).value(), 1);
}

TEST_F(IngestTest, TheOrderOfArrivalDoesNotMatter) {
  const core::Operation first = insert("a", 1, {{"x", 1}, {"y", 1}});
  const core::Operation second = operation(core::OperationType::update, "a", 2, Object{{"y", 2}});
  const core::Operation removal = operation(core::OperationType::remove, "a", 3, std::nullopt);
  ASSERT_TRUE(receive(second));
  EXPECT_EQ(record("a"), R"({"id":"a","y":2})");
  ASSERT_TRUE(receive(first));
  EXPECT_EQ(record("a"), R"({"id":"a","x":1,"y":2})");
  ASSERT_TRUE(receive(removal));
  EXPECT_EQ(record("a"), "none");
  ASSERT_TRUE(receive(operation(core::OperationType::remove, "b", 1, std::nullopt)));
  EXPECT_EQ(record("b"), "none");
}

TEST_F(IngestTest, AnUpdateOfARecordThatIsNotKnownYetIsShown) {
  core::Operation update = operation(core::OperationType::update, "a", 2, Object{{"n", 6}});
  update.previous_data = Object{{"n", 5}};
  ASSERT_TRUE(receive(update));
  EXPECT_EQ(record("a"), R"({"id":"a","n":6})");
  ASSERT_TRUE(receive(insert("a", 1, {{"n", 5}, {"m", 1}})));
  EXPECT_EQ(record("a"), R"({"id":"a","n":6,"m":1})");
}

// Devices that change the same field at the same time: each saw the value 0.
std::vector<core::Operation> concurrent_changes(int count) {
  std::vector<core::Operation> changes;
  for (int number = 1; number <= count; ++number) {
    core::Operation change;
    change.node = "device" + std::to_string(number);
    change.type = core::OperationType::update;
    change.collection = "c";
    change.record = "a";
    change.data = Object{{"n", number}};
    change.previous_data = Object{{"n", 0}};
    change.timestamp = {100 + number, 0, change.node};
    change.sequence_number = 1;
    change.id = core::operation_id(change).value();
    changes.push_back(std::move(change));
  }
  return changes;
}

TEST_F(IngestTest, ABatchIsFoldedOnceAndGivesWhatItsOperationsGiveOneByOne) {
  constexpr int kChanges = 20;
  std::vector<core::Operation> changes = concurrent_changes(kChanges);
  std::reverse(changes.begin(), changes.end());
  changes.push_back(insert("a", 1, {{"n", 0}}));
  auto together = Engine::open(directory_->path() + "/together.db", {}, Environment::system());
  ASSERT_TRUE((*together)->write([&](WriteSession& session) -> Result<void> {
    for (const core::Operation& change : changes) {
      if (auto done = ingest(session, change, 1); !done) return done;
    }
    return {};
  }));
  for (const core::Operation& change : changes) ASSERT_TRUE(receive(change));
  EXPECT_EQ(record("a"), R"({"id":"a","n":20})");
  const auto losses = losses_of(*engine_);
  EXPECT_EQ(losses.size(), kChanges - 1U);
  engine_ = *std::move(together);
  EXPECT_EQ(record("a"), R"({"id":"a","n":20})");
  EXPECT_EQ(losses_of(*engine_).size(), losses.size());
}

TEST_F(IngestTest, ALossKeepsItsNumberWhenMoreArrives) {
  const std::vector<core::Operation> changes = concurrent_changes(4);
  ASSERT_TRUE(receive(insert("a", 1, {{"n", 0}})));
  ASSERT_TRUE(receive(changes[1]));
  ASSERT_TRUE(receive(changes[3]));
  const auto before = losses_of(*engine_);
  ASSERT_EQ(before.size(), 1U);
  // Another one loses, and what lost before loses still, against the same.
  ASSERT_TRUE(receive(changes[0]));
  const auto after = losses_of(*engine_);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0], before[0]);
  // One comes in between: the loss is another one.
  ASSERT_TRUE(receive(changes[2]));
  const auto last = losses_of(*engine_);
  ASSERT_EQ(last.size(), 3U);
  EXPECT_EQ(std::ranges::count(last, before[0]), 0);
}

// What SQLite is told: 2 waits for the disk at each commit (FULL), 1 does not (NORMAL).
std::int64_t synchronous_in(Engine& engine, Durability durability) {
  return engine
      .write(
          [](WriteSession& session) -> Result<std::int64_t> {
            auto pragma =
                store::Statement::prepare(session.store().connection(), "PRAGMA synchronous");
            if (!pragma) return fail(pragma);
            auto value = pragma->query_one([](const store::Row& row) { return row.int64(0); });
            if (!value) return fail(value);
            return value->value_or(-1);
          },
          durability)
      .value();
}

TEST_F(IngestTest, OnlyWhatCanComeAgainDoesNotWaitForTheDisk) {
  auto durable = Engine::open(directory_->path() + "/full.db", {}, Environment::system()).value();
  EXPECT_EQ(synchronous_in(*durable, Durability::full), 2);
  EXPECT_EQ(synchronous_in(*durable, Durability::relaxed), 1);
  EXPECT_EQ(synchronous_in(*durable, Durability::full), 2);
  EXPECT_EQ(synchronous_in(*engine_, Durability::full), 1) << "opened as relaxed";
}

TEST_F(IngestTest, AnIdThatIsNoDigestIsRefused) {
  core::Operation operation = insert("a", 1);
  for (const std::string& id : {std::string(), std::string(64, 'G'), std::string(64, 'A'),
                                std::string(63, 'a'), std::string(66, 'a')}) {
    operation.id = id;
    EXPECT_EQ(receive(operation).error().code, ErrorCode::invalid_data) << id;
  }
}

}  // namespace
}  // namespace tombolo::client
