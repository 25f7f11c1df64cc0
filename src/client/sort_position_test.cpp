#include "client/sort_position.h"

#include <gtest/gtest.h>
#include <limits>

#include "store/connection.h"

namespace tombolo::client {
namespace {

TEST(SortPosition, ValuesCompareAsSqliteComparesThem) {
  auto connection = store::Connection::open(":memory:");
  ASSERT_TRUE(connection);
  auto select = store::Statement::prepare(*connection, "SELECT (?1 > ?2) - (?1 < ?2)");
  ASSERT_TRUE(select);
  constexpr std::int64_t kTwoTo53 = std::int64_t{1} << 53;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<SortValue> values = {
      std::int64_t{0},
      std::int64_t{-1},
      std::int64_t{1},
      kTwoTo53,
      kTwoTo53 + 1,
      std::numeric_limits<std::int64_t>::max(),
      std::numeric_limits<std::int64_t>::min(),
      0.0,
      0.5,
      -0.5,
      9007199254740992.0,
      9223372036854775808.0,
      -9223372036854775808.0,
      -9.3e18,
      kInfinity,
      -kInfinity,
      std::string(),
      std::string("a"),
      std::string("ab"),
      std::string("a\0b", 3),
      std::string("Z"),
      std::string("\xC3\xA9"),
  };
  for (const SortValue& left : values) {
    for (const SortValue& right : values) {
      int parameter = 0;
      for (const SortValue* value : {&left, &right}) {
        ++parameter;
        std::visit(
            [&](const auto& one) {
              if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, std::monostate>) {
                select->bind(parameter, one);
              }
            },
            *value);
      }
      const store::ResetGuard guard(*select);
      ASSERT_TRUE(select->step());
      EXPECT_EQ(compare(left, right), select->row().int64(0))
          << left.index() << " " << &left - values.data() << " " << &right - values.data();
    }
    EXPECT_EQ(compare(std::monostate(), left), -1);  // null sorts first
    EXPECT_EQ(compare(left, std::monostate()), 1);
  }
  EXPECT_EQ(compare(std::monostate(), std::monostate()), 0);
}

}  // namespace
}  // namespace tombolo::client
