#include "store/statement.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <string>
#include <vector>

#include "store/statement_cache.h"

namespace tombolo::store {
namespace {

class StatementTest : public testing::Test {
 protected:
  StatementTest() {
    EXPECT_TRUE(connection_.execute("CREATE TABLE t(a, b); CREATE UNIQUE INDEX t_a ON t(a)"));
  }

  Statement prepare(std::string_view sql) {
    auto statement = Statement::prepare(connection_, sql);
    EXPECT_TRUE(statement) << statement.error().message;
    return std::move(statement.value());
  }

  std::int64_t count() {
    auto value =
        prepare("SELECT count(*) FROM t").query_one([](const Row& row) { return row.int64(0); });
    return value.value().value();
  }

  Connection connection_ = std::move(Connection::open(":memory:").value());
};

TEST_F(StatementTest, EveryKindOfValueComesBackAsItWentIn) {
  Statement echo = prepare("SELECT ?1, ?2, ?3, ?4, ?5, ?6");
  const std::vector<std::uint8_t> bytes = {0, 1, 255};
  const std::string text("a\0b", 3);
  Rows rows =
      echo.query(std::int64_t{-5}, 2.5, text, Blob(bytes), nullptr, std::optional<std::int64_t>());
  ASSERT_TRUE(rows.next().value());
  const Row row = rows.row();
  EXPECT_EQ(row.column_count(), 6);
  EXPECT_EQ(row.int64(0), -5);
  EXPECT_EQ(row.real(1), 2.5);
  EXPECT_EQ(row.text(2), text);
  EXPECT_TRUE(std::ranges::equal(row.blob(3), bytes));
  EXPECT_TRUE(row.is_null(4));
  EXPECT_TRUE(row.is_null(5));
  EXPECT_FALSE(rows.next().value());
}

TEST_F(StatementTest, EmptyTextAndEmptyBytesAreNotNull) {
  Statement types = prepare("SELECT typeof(?1), typeof(?2)");
  Rows rows = types.query(std::string_view(), Blob());
  ASSERT_TRUE(rows.next().value());
  EXPECT_EQ(rows.row().text(0), "text");
  EXPECT_EQ(rows.row().text(1), "blob");
}

TEST_F(StatementTest, NoParameterOfOneRunIsLeftForTheNext) {
  Statement echo = prepare("SELECT ?1");
  const auto is_null = [](const Row& row) { return row.is_null(0); };
  EXPECT_EQ(echo.query_one(is_null, 7).value(), false);
  EXPECT_EQ(echo.query_one(is_null).value(), true);
}

TEST_F(StatementTest, AStatementThatIsNotReadToItsEndKeepsNoSnapshot) {
  ASSERT_TRUE(connection_.execute("INSERT INTO t VALUES (1, 1), (2, 2)"));
  Statement select = prepare("SELECT a FROM t");
  {
    Rows rows = select.query();
    ASSERT_TRUE(rows.next().value());
  }
  EXPECT_TRUE(connection_.execute("DROP TABLE t"));  // refused while a statement reads it
}

TEST_F(StatementTest, TextThatIsTooLongIsAnErrorAndTheStatementGoesOnWorking) {
  sqlite3_limit(connection_.handle(), SQLITE_LIMIT_LENGTH, 1000);
  Statement insert = prepare("INSERT INTO t(a) VALUES (?1)");
  auto refused = insert.run(std::string(2000, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(insert.run("short"));
  EXPECT_EQ(count(), 1);
}

TEST_F(StatementTest, ASecondRowWithAUniqueValueExistsAlready) {
  Statement insert = prepare("INSERT INTO t(a) VALUES (?1)");
  ASSERT_TRUE(insert.run(1));
  auto again = insert.run(1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  EXPECT_TRUE(insert.run(2));
}

TEST_F(StatementTest, SqlThatTheSchemaDoesNotKnowIsRefused) {
  auto statement = Statement::prepare(connection_, "SELECT absent FROM t");
  ASSERT_FALSE(statement);
  EXPECT_NE(statement.error().message.find("no such column"), std::string::npos);
  EXPECT_FALSE(Statement::prepare(connection_, "SELECT \"a string\" FROM t"));
  EXPECT_FALSE(Statement::prepare(connection_, " -- nothing"));
}

TEST_F(StatementTest, OnlyStatementsThatCannotWriteAreReadOnly) {
  EXPECT_TRUE(prepare("SELECT a FROM t").read_only());
  EXPECT_FALSE(prepare("DELETE FROM t").read_only());
}

TEST_F(StatementTest, TheCacheGivesTheSameStatementAgainAndDropsTheOldest) {
  StatementCache cache(connection_, 2);
  const auto handle_of = [&cache](std::string_view sql) {
    return (*cache.get(sql).value()).handle();
  };
  sqlite3_stmt* first = handle_of("SELECT 1");
  EXPECT_EQ(handle_of("SELECT 1"), first);
  handle_of("SELECT 2");
  handle_of("SELECT 1");
  handle_of("SELECT 3");  // drops SELECT 2
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(handle_of("SELECT 1"), first);
  EXPECT_FALSE(cache.get("SELECT absent"));
  EXPECT_EQ(cache.size(), 2u);
}

TEST_F(StatementTest, AStatementOnLoanIsNeitherSharedNorDropped) {
  StatementCache cache(connection_, 1);
  {
    auto outer = cache.get("SELECT 1").value();
    auto inner = cache.get("SELECT 1").value();
    auto other = cache.get("SELECT 2").value();
    EXPECT_NE(outer->handle(), inner->handle());
    EXPECT_TRUE(outer->step().value());
    cache.clear();
    EXPECT_EQ(outer->row().int64(0), 1);
    EXPECT_EQ(cache.size(), 3u);
  }
  EXPECT_LE(cache.size(), 1u);
}

}  // namespace
}  // namespace tombolo::store
