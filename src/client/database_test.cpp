#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "client/test_database.h"
#include "os/files.h"
#include "store/connection.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

class DatabaseTest : public testing::DatabaseFixture {};

TEST_F(DatabaseTest, ARecordIsThereAfterItWasCreatedAndAfterReopening) {
  Collection languages = db().collection("languages");
  const auto id = languages.create({{"name", "Ladin"}, {"scope", "I"}});
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(languages.get(*id).value()["name"], "Ladin");
  reopen();
  const Record record = db().collection("languages").get(*id).value();
  EXPECT_EQ(record.id(), *id);
  EXPECT_EQ(record["id"], *id);
  EXPECT_EQ(record["scope"], "I");
  EXPECT_TRUE(record["speakers"].is_null());
  EXPECT_EQ(record.to_json(), "{\"id\":\"" + *id + "\",\"name\":\"Ladin\",\"scope\":\"I\"}");
}

TEST_F(DatabaseTest, AGivenIdIsKeptAndTakenOnce) {
  Collection languages = db().collection("languages");
  EXPECT_EQ(languages.create({{"id", "lld"}, {"name", "Ladin"}}).value(), "lld");
  EXPECT_EQ(languages.create({{"id", "lld"}}).error().code, ErrorCode::already_exists);
  EXPECT_EQ(languages.get("lld").value()["name"], "Ladin");
  EXPECT_EQ(languages.create({{"id", 7}}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(languages.create({{"id", ""}}).error().code, ErrorCode::invalid_argument);
}

TEST_F(DatabaseTest, ReplacingTakesFieldsAwayAndPatchingKeepsThem) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.create({{"id", "a"}, {"x", 1}, {"y", 2}}));
  ASSERT_TRUE(c.patch("a", {{"y", 3}, {"z", nullptr}}));
  EXPECT_EQ(c.get("a").value().fields(), (Object{{"x", 1}, {"y", 3}, {"z", nullptr}}));
  ASSERT_TRUE(c.update("a", {{"y", 4}}));
  EXPECT_EQ(c.get("a").value().fields(), (Object{{"y", 4}}));
  ASSERT_TRUE(c.patch("a", {{"w", 1}}));
  ASSERT_TRUE(c.remove_fields("a", {"y", "unknown"}));
  EXPECT_EQ(c.get("a").value().fields(), (Object{{"w", 1}}));
  EXPECT_EQ(c.patch("a", {{"id", "b"}}).error().code, ErrorCode::invalid_argument);
}

TEST_F(DatabaseTest, ARecordOfManyFieldsIsWrittenLikeAnyOther) {
  Collection c = db().collection("c");
  Object fields;
  for (int i = 0; i < 5'000; ++i) fields.set("f" + std::to_string(i), i);
  fields.set("id", "a");
  ASSERT_TRUE(c.create(fields));
  Object changed = fields;
  for (int i = 0; i < 5'000; i += 2) changed.set("f" + std::to_string(i), -1);
  ASSERT_TRUE(c.patch("a", changed));
  changed.erase("id");
  EXPECT_EQ(c.get("a").value().fields(), changed);
  std::vector<std::string> half;
  for (int i = 0; i < 2'500; ++i) half.push_back("f" + std::to_string(i));
  ASSERT_TRUE(c.remove_fields("a", half));
  EXPECT_EQ(c.get("a").value().fields().size(), 2'500u);
  ASSERT_TRUE(c.update("a", fields));
  fields.erase("id");
  EXPECT_EQ(c.get("a").value().fields(), fields);
}

TEST_F(DatabaseTest, ARemovedRecordIsGoneAndItsIdIsFreeAgain) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.create({{"id", "a"}, {"x", 1}}));
  ASSERT_TRUE(c.remove("a"));
  EXPECT_EQ(c.get("a").error().code, ErrorCode::not_found);
  EXPECT_EQ(c.remove("a").error().code, ErrorCode::not_found);
  EXPECT_EQ(c.patch("a", {{"x", 2}}).error().code, ErrorCode::not_found);
  EXPECT_EQ(c.count().value(), 0);
  ASSERT_TRUE(c.create({{"id", "a"}, {"y", 1}}));
  EXPECT_EQ(c.get("a").value().fields(), (Object{{"y", 1}}));
}

TEST_F(DatabaseTest, PutCreatesAndThenReplaces) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.put("a", {{"x", 1}}));
  ASSERT_TRUE(c.put("a", {{"y", 1}}));
  EXPECT_EQ(c.get("a").value().fields(), (Object{{"y", 1}}));
}

TEST_F(DatabaseTest, AtomicChangesWorkOnWhatIsThere) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.create({{"id", "a"}, {"n", 1}, {"tags", Array{"x"}}}));
  ASSERT_TRUE(c.increment("a", "n", 4));
  ASSERT_TRUE(c.increment("a", "new"));
  ASSERT_TRUE(c.raise_to("a", "n", 3));
  ASSERT_TRUE(c.lower_to("a", "low", 3));
  ASSERT_TRUE(c.append("a", "tags", "y"));
  ASSERT_TRUE(c.remove_element("a", "tags", "x"));
  EXPECT_EQ(c.get("a").value().fields(),
            (Object{{"n", 5}, {"tags", Array{"y"}}, {"new", 1}, {"low", 3}}));
  EXPECT_EQ(c.increment("a", "n", "text").error().code, ErrorCode::invalid_argument);
}

TEST_F(DatabaseTest, AWriteThatChangesNothingIsNotLogged) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.create({{"id", "a"}, {"x", 1}}));
  ASSERT_TRUE(c.patch("a", {{"x", 1}}));
  ASSERT_TRUE(c.update("a", {{"x", 1}}));
  EXPECT_EQ(db().status().value().operations, 1);
}

TEST_F(DatabaseTest, TheLogTellsWhatHappened) {
  Collection c = db().collection("c");
  ASSERT_TRUE(c.create({{"id", "a"}, {"x", 1}}));
  ASSERT_TRUE(c.create({{"id", "b"}, {"x", 1}}));
  ASSERT_TRUE(c.patch("a", {{"x", 2}}));
  ASSERT_TRUE(c.remove("a"));
  const auto log = db().operations(10, "c", "a").value();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[0].type, "delete");
  EXPECT_EQ(log[2].type, "insert");
  EXPECT_GT(log[0].timestamp, log[1].timestamp);
  EXPECT_EQ(log[0].node, db().status().value().node);
  EXPECT_EQ(db().operations(10).value().size(), 4u);
}

TEST_F(DatabaseTest, BadNamesAndValuesAreRefusedWithoutATrace) {
  EXPECT_EQ(db().collection("a\nb").create({}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(db().collection("").create({}).error().code, ErrorCode::invalid_argument);
  Collection c = db().collection("c");
  EXPECT_EQ(c.create({{"x", "\xff"}}).error().code, ErrorCode::invalid_argument);
  Value deep;
  for (int level = 0; level < 200; ++level) deep = Array{std::move(deep)};
  EXPECT_EQ(c.create({{"x", deep}}).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(db().status().value().operations, 0);
}

TEST_F(DatabaseTest, ASchemaIsCheckedBeforeAnythingIsWritten) {
  Collection c = db().collection("c");
  const Value schema = Value::parse(R"({"type": "object", "required": ["name"],
      "properties": {"name": {"type": "string"}, "n": {"type": "number"}}})")
                           .value();
  ASSERT_TRUE(c.set_schema(schema));
  EXPECT_EQ(c.schema().value(), schema);
  EXPECT_EQ(c.create({{"n", 1}}).error().code, ErrorCode::invalid_argument);
  ASSERT_TRUE(c.create({{"id", "a"}, {"name", "x"}}));
  EXPECT_EQ(c.patch("a", {{"n", "text"}}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(c.remove_fields("a", {"name"}).error().code, ErrorCode::invalid_argument);
  reopen();
  EXPECT_EQ(db().collection("c").create({{"n", 1}}).error().code, ErrorCode::invalid_argument);
}

TEST_F(DatabaseTest, ATransactionIsWholeOrNothing) {
  ASSERT_TRUE(db().collection("a").create({{"id", "x"}, {"n", 10}}));
  {
    auto transaction = db().begin();
    ASSERT_TRUE(transaction);
    Collection inside = transaction->collection("a");
    ASSERT_TRUE(inside.increment("x", "n", -3));
    ASSERT_TRUE(transaction->collection("b").create({{"id", "y"}, {"n", 3}}));
    EXPECT_EQ(inside.get("x").value()["n"], 7);
    EXPECT_EQ(db().collection("a").get("x").value()["n"], 10);
    EXPECT_EQ(db().collection("a").patch("x", {{"n", 0}}).error().code,
              ErrorCode::precondition_failed);
  }
  EXPECT_EQ(db().collection("a").get("x").value()["n"], 10);
  EXPECT_EQ(db().collection("b").count().value(), 0);

  const auto done = db().transaction([](Transaction& transaction) -> Result<void> {
    if (auto r = transaction.collection("a").increment("x", "n", -3); !r) return r;
    if (auto r = transaction.collection("b").create({{"id", "y"}}); !r) return fail(r);
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(db().collection("a").get("x").value()["n"], 7);
  EXPECT_EQ(db().collection("b").count().value(), 1);

  EXPECT_EQ(db().transaction([](Transaction& transaction) -> Result<void> {
                  (void)transaction.collection("b").create({{"id", "z"}});
                  return fail(ErrorCode::cancelled, "changed my mind");
                })
                .error()
                .code,
            ErrorCode::cancelled);
  EXPECT_EQ(db().collection("b").count().value(), 1);
}

TEST_F(DatabaseTest, HandlesOfAnEndedTransactionAndAClosedDatabaseSaySo) {
  auto transaction = db().begin();
  Collection c = transaction->collection("c");
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(c.create({}).error().code, ErrorCode::precondition_failed);
  EXPECT_EQ(c.count().error().code, ErrorCode::precondition_failed);
  Collection outside = db().collection("c");
  db().close();
  EXPECT_EQ(outside.create({}).error().code, ErrorCode::precondition_failed);
  EXPECT_EQ(outside.count().error().code, ErrorCode::precondition_failed);
}

TEST_F(DatabaseTest, ImportsManyRecordsAndTellsHowFarItIs) {
  std::vector<Object> records;
  for (int i = 0; i < 250; ++i) records.push_back({{"id", std::to_string(i)}, {"n", i}});
  std::vector<std::size_t> steps;
  ImportOptions options;
  options.transaction_records = 100;
  options.progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, 250u);
    steps.push_back(done);
    return true;
  };
  Collection c = db().collection("c");
  EXPECT_EQ(c.import_records(records, options).value().created, 250u);
  EXPECT_EQ(steps, (std::vector<std::size_t>{100, 200, 250}));
  EXPECT_EQ(c.import_records(records).error().code, ErrorCode::already_exists);

  records.resize(10);
  records[3].set("n", -1);
  options = {.existing = ImportOptions::Existing::replace};
  const ImportSummary replaced = c.import_records(records, options).value();
  EXPECT_EQ(replaced.changed, 1u);
  EXPECT_EQ(replaced.skipped, 9u);
  options = {.existing = ImportOptions::Existing::skip,
             .progress = [](std::size_t, std::size_t) { return false; }};
  EXPECT_EQ(c.import_records(records, options).error().code, ErrorCode::cancelled);
}

TEST_F(DatabaseTest, ManyThreadsWriteAndReadAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kWrites = 50;
  ASSERT_TRUE(db().collection("c").create({{"id", "counter"}, {"n", 0}}));
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      Collection c = db().collection("c");
      for (int i = 0; i < kWrites; ++i) {
        const std::string id = std::to_string(thread) + "-" + std::to_string(i);
        if (!c.increment("counter", "n") || !c.create({{"id", id}}) || !c.get(id)) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(db().collection("c").get("counter").value()["n"], kThreads * kWrites);
  EXPECT_EQ(db().collection("c").count().value(), kThreads * kWrites + 1);
}

TEST_F(DatabaseTest, TwoDatabasesOnOneFileSeeEachOther) {
  Database other = Database::open(path()).value();
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}, {"n", 1}}));
  ASSERT_TRUE(other.collection("c").increment("a", "n"));
  ASSERT_TRUE(other.collection("new").create({{"id", "x"}}));
  ASSERT_TRUE(db().collection("new").patch("x", {{"y", 1}}));
  ASSERT_TRUE(db().collection("c").increment("a", "n"));
  EXPECT_EQ(other.collection("c").get("a").value()["n"], 3);
  EXPECT_EQ(db().status().value().node, other.status().value().node);
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsRefused) {
  const std::string text_file = path() + ".txt";
  ASSERT_TRUE(os::write_file(text_file, std::string(5000, 'x')));
  EXPECT_EQ(Database::open(text_file).error().code, ErrorCode::corrupt);
  EXPECT_EQ(Database::open(path() + ".none", {.create = false}).error().code, ErrorCode::not_found);
  EXPECT_EQ(Database::open("").error().code, ErrorCode::invalid_argument);
}

// Errors, never undefined arithmetic: a file can say anything.
TEST_F(DatabaseTest, AFileWhoseNumbersAreOutOfRangeIsSaidToBeCorrupt) {
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}}));
  close();
  const std::string sound = os::read_file(path()).value();
  const auto write_to_spoiled = [&](const char* sql) -> Result<void> {
    EXPECT_TRUE(os::write_file(path(), sound));
    EXPECT_TRUE(store::Connection::open(path()).value().execute(sql)) << sql;
    const Result<Database> spoiled = Database::open(path());
    if (!spoiled) return fail(spoiled);
    return spoiled->collection("c").patch("a", {{"n", 1}});
  };
  for (const char* sql :
       {"UPDATE state SET revision = 9223372036854775807", "UPDATE state SET position = -1",
        "UPDATE state SET sequence_number = 1 << 60", "UPDATE state SET wall_ms = 1 << 62",
        "UPDATE state SET logical = -1", "UPDATE records SET stamp = 9223372036854775807",
        "UPDATE collections SET remote_key = 64",
        "INSERT INTO remotes VALUES (0, 'r', 'stream', 'ws://x/', '[]', NULL)"}) {
    const Result<void> written = write_to_spoiled(sql);
    ASSERT_FALSE(written) << sql;
    EXPECT_EQ(written.error().code, ErrorCode::corrupt) << sql;
  }
  EXPECT_TRUE(write_to_spoiled("UPDATE state SET logical = 1"));
}

}  // namespace
}  // namespace tombolo
