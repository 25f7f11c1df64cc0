#include "store/migrations.h"

#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "store/function.h"
#include "store/id.h"
#include "store/statement.h"
#include "store/temporary_folder_for_test.h"

namespace tombolo::store {
namespace {

constexpr std::int32_t kOurs = 0x746f6d62;

Result<void> fill(Connection& connection) {
  return connection.execute("UPDATE t SET b = a * 2");
}

Result<void> refuse(Connection& connection) {
  if (auto done = connection.execute("DROP TABLE t"); !done) return done;
  return fail(ErrorCode::internal, "the step's own reason");
}

constexpr Migration kSteps[] = {
    {1, "begin", "CREATE TABLE t(a); INSERT INTO t VALUES (21)", nullptr},
    {2, "double", "ALTER TABLE t ADD COLUMN b", fill},
};
constexpr Migration kBroken[] = {kSteps[0], {2, "a broken step", "", refuse}};

Schema schema(std::span<const Migration> steps) {
  return {"Tombolo test database", kOurs, steps};
}

class MigrationsTest : public testing::Test {
 protected:
  Connection open(OpenMode mode = OpenMode::create) {
    return std::move(Connection::open(path_, {.mode = mode}).value());
  }
  static std::int64_t answer(Connection& connection, std::string_view sql) {
    auto statement = std::move(Statement::prepare(connection, sql).value());
    return statement.query_one([](const Row& row) { return row.int64(0); }).value().value();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("test.db");
};

TEST_F(MigrationsTest, ANewFileGetsEveryVersionOnce) {
  Connection connection = open();
  const auto first = migrate(connection, schema(kSteps)).value();
  EXPECT_EQ(first.from, 0);
  EXPECT_EQ(first.to, 2);
  EXPECT_EQ(connection.application_id().value(), kOurs);
  EXPECT_EQ(answer(connection, "SELECT b FROM t"), 42);
  EXPECT_EQ(migrate(connection, schema(kSteps)).value().from, 2);
  EXPECT_EQ(answer(connection, "SELECT count(*) FROM t"), 1);
}

TEST_F(MigrationsTest, AnOlderFileIsBroughtUpToDateWithItsData) {
  Connection connection = open();
  ASSERT_TRUE(migrate(connection, schema(std::span(kSteps).first(1))));
  ASSERT_TRUE(connection.execute("UPDATE t SET a = 50"));
  const auto result = migrate(connection, schema(kSteps)).value();
  EXPECT_EQ(result.from, 1);
  EXPECT_EQ(answer(connection, "SELECT b FROM t"), 100);
}

TEST_F(MigrationsTest, AnOlderFileThatMayOnlyBeReadIsRefused) {
  Connection writer = open();
  ASSERT_TRUE(migrate(writer, schema(std::span(kSteps).first(1))));
  Connection reader = open(OpenMode::read_only);
  EXPECT_EQ(migrate(reader, schema(kSteps)).error().code, ErrorCode::unsupported);
  EXPECT_TRUE(migrate(reader, schema(std::span(kSteps).first(1))));
}

TEST_F(MigrationsTest, ANewerFileIsRefusedAndUntouched) {
  Connection connection = open();
  ASSERT_TRUE(migrate(connection, schema(kSteps)));
  auto refused = migrate(connection, schema(std::span(kSteps).first(1)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("newer version of Tombolo"), std::string::npos);
  EXPECT_EQ(connection.user_version().value(), 2);
}

TEST_F(MigrationsTest, AnotherApplicationsFileIsRefusedAndUntouched) {
  Connection connection = open();
  ASSERT_TRUE(connection.execute("CREATE TABLE other(a)"));
  auto refused = migrate(connection, schema(kSteps));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_NE(refused.error().message.find("not a Tombolo test database"), std::string::npos);
  ASSERT_TRUE(connection.set_application_id(7));
  EXPECT_FALSE(migrate(connection, schema(kSteps)));
  EXPECT_EQ(answer(connection, "SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(MigrationsTest, ManyMayMakeTheSameFileAtOnce) {
  constexpr int kRounds = 40;
  constexpr int kThreads = 4;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = path_ + "-" + std::to_string(round);
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        auto connection = Connection::open(path, {.mode = OpenMode::create});
        if (!connection || !migrate(*connection, schema(kSteps))) ++refused;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(refused, 0);
  }
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheVersionBeforeIt) {
  Connection connection = open();
  auto failed = migrate(connection, schema(kBroken));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("a broken step"), std::string::npos);
  EXPECT_NE(failed.error().message.find("the step's own reason"), std::string::npos);
  EXPECT_EQ(connection.user_version().value(), 1);
  EXPECT_EQ(answer(connection, "SELECT a FROM t"), 21);
  EXPECT_EQ(migrate(connection, schema(kSteps)).value().to, 2);
}

TEST_F(MigrationsTest, IdsAreStoredShortAndReadBackAsTheyWere) {
  Connection connection = open();
  ASSERT_TRUE(define_id_functions(connection));
  ASSERT_TRUE(
      connection.execute("CREATE TABLE ids(id, x); CREATE INDEX by_text ON ids(id_text(id))"));
  auto insert =
      std::move(Statement::prepare(connection, "INSERT INTO ids(id) VALUES (?1)").value());
  const std::string uuid = "018f6f6e-0000-7abc-8def-0123456789ab";
  const std::string ids[] = {uuid, "018F6F6E-0000-7ABC-8DEF-0123456789AB", "eng", ""};
  for (const std::string& id : ids) {
    ASSERT_TRUE(insert.run(StoredId(id)));
    auto find =
        std::move(Statement::prepare(connection,
                                     "SELECT id, id_text(id), length(id), stored_id(?2) = id "
                                     "FROM ids WHERE id = ?1")
                      .value());
    auto found = find.query_one(
        [&](const Row& row) {
          EXPECT_EQ(read_id(row, 0), id);
          EXPECT_EQ(row.text(1), id);
          EXPECT_EQ(row.int64(2), id == uuid ? 16 : static_cast<std::int64_t>(id.size()));
          EXPECT_EQ(row.int64(3), 1);
          return true;
        },
        StoredId(id), id);
    EXPECT_TRUE(found.value().has_value()) << id;
  }
  EXPECT_EQ(answer(connection, "SELECT id_text(x'00') IS NULL AND id_text(NULL) IS NULL"), 1);
}

TEST_F(MigrationsTest, AFunctionOfOursFailsItsStatementWithItsOwnWords) {
  Connection connection = open();
  ASSERT_TRUE(define_function(connection, "refuse", -1,
                              [](const FunctionArguments& arguments, FunctionAnswer& answer) {
                                EXPECT_EQ(arguments.count(), 2);
                                answer.fail("not today");
                              }));
  auto failed = connection.execute("SELECT refuse(1, 2)");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("not today"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::store
