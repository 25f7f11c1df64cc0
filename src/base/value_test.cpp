#include "tombolo/value.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <limits>

namespace tombolo {
namespace {

TEST(ObjectMembers, KeepTheirOrderAndTheirKeysUnique) {
  Object object{{"b", 1}, {"a", 2}, {"b", 3}};
  EXPECT_EQ(Value(object).to_json(), R"({"b":3,"a":2})");
  object.set("c", 4);
  object.set("a", 5);
  EXPECT_EQ(Value(object).to_json(), R"({"b":3,"a":5,"c":4})");
}

TEST(ObjectMembers, AreFoundAddedAndErased) {
  Object object;
  EXPECT_TRUE(object.empty());
  EXPECT_EQ(object.find("name"), nullptr);
  object["name"] = "Ladin";
  EXPECT_TRUE(object.contains("name"));
  EXPECT_EQ(object.find("name")->as_string(), "Ladin");
  EXPECT_TRUE(object["missing"].is_null());
  EXPECT_EQ(object.size(), 2U);
  EXPECT_TRUE(object.erase("missing"));
  EXPECT_FALSE(object.erase("missing"));
  object.clear();
  EXPECT_EQ(object.size(), 0U);
}

TEST(ObjectMembers, AreComparedWithoutRegardToOrder) {
  const Object object{{"a", 1}, {"b", 2}};
  EXPECT_EQ(object, (Object{{"b", 2}, {"a", 1}}));
  EXPECT_NE(object, (Object{{"a", 1}}));
  EXPECT_NE(object, (Object{{"a", 1}, {"c", 2}}));
  EXPECT_NE(object, (Object{{"a", 1}, {"b", 3}}));
}

TEST(Values, KnowTheirType) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(nullptr).is_null());
  EXPECT_TRUE(Value(true).is_bool());
  EXPECT_TRUE(Value(1).is_integer());
  EXPECT_TRUE(Value(1).is_number());
  EXPECT_TRUE(Value(1.0).is_number());
  EXPECT_FALSE(Value(1.0).is_integer());
  EXPECT_TRUE(Value("text").is_string());
  EXPECT_TRUE(Value(Array{1, 2}).is_array());
  EXPECT_TRUE(Value({{"a", 1}}).is_object());
}

TEST(Values, GiveTheContentOfTheRightTypeOnly) {
  EXPECT_EQ(*Value(true).if_bool(), true);
  EXPECT_EQ(Value(1).if_bool(), nullptr);
  EXPECT_EQ(Value(1.0).if_integer(), nullptr);
  EXPECT_EQ(Value("a").as_integer(7), 7);
  EXPECT_EQ(Value(1).as_string("other"), "other");
  EXPECT_EQ(Value("a").as_bool(true), true);
  EXPECT_EQ(Value().as_number(0.5), 0.5);
}

TEST(Values, TurnNumbersIntoIntegersOnlyWithoutLoss) {
  EXPECT_EQ(Value(3.0).as_integer(), 3);
  EXPECT_EQ(Value(3.5).as_integer(-1), -1);
  EXPECT_EQ(Value(-9223372036854775808.0).as_integer(), INT64_MIN);
  EXPECT_EQ(Value(9223372036854775808.0).as_integer(-1), -1);
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).as_integer(-1), -1);
  EXPECT_EQ(Value(std::numeric_limits<double>::quiet_NaN()).as_integer(-1), -1);
  EXPECT_EQ(Value(3).as_number(), 3.0);
}

TEST(Values, CompareNumbersByValue) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_EQ(Value(1.0), Value(1));
  EXPECT_NE(Value(1), Value(1.5));
  EXPECT_NE(Value(1), Value(true));
  EXPECT_NE(Value(0), Value());
  // 2^53 + 1 has no double: the nearest one is another number.
  EXPECT_NE(Value(std::int64_t{9007199254740993}), Value(9007199254740992.0));
  EXPECT_NE(Value(INT64_MAX), Value(9223372036854775808.0));
  EXPECT_NE(Value(std::numeric_limits<double>::quiet_NaN()), Value(0));
  EXPECT_EQ(Value({{"a", Array{1, {{"b", 2}}}}}), Value({{"a", Array{1.0, {{"b", 2.0}}}}}));
}

TEST(Values, AnswerNullForWhatIsNotThere) {
  const Value record{{"tags", Array{"x"}}};
  EXPECT_TRUE(record["none"].is_null());
  EXPECT_TRUE(record["tags"]["none"].is_null());
  EXPECT_TRUE(record["tags"].at(1).is_null());
  EXPECT_EQ(record["tags"].at(0).as_string(), "x");
  EXPECT_TRUE(Value(1).at(0).is_null());
  EXPECT_EQ(record.size(), 1U);
  EXPECT_EQ(record["tags"].size(), 1U);
  EXPECT_EQ(Value("text").size(), 0U);
}

TEST(Values, GrowMembersWhenWrittenTo) {
  Value value;
  value["a"]["b"] = 1;
  EXPECT_EQ(value.to_json(), R"({"a":{"b":1}})");
}

TEST(ErrorCodes, HaveStableNumbersAndNames) {
  EXPECT_EQ(static_cast<int>(ErrorCode::invalid_argument), 1);
  EXPECT_EQ(static_cast<int>(ErrorCode::internal), 18);
  EXPECT_EQ(name_of(ErrorCode::not_found), "not_found");
  EXPECT_EQ(name_of(ErrorCode::internal), "internal");
  for (int code = 1; code <= 18; ++code)
    EXPECT_NE(name_of(static_cast<ErrorCode>(code)), "unknown");
}

TEST(Results, PassTheErrorOfAnotherOn) {
  const Result<int> first = fail(ErrorCode::busy, "the database is locked");
  const Result<std::string> second = fail(first);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  EXPECT_EQ(second.error().message, "the database is locked");
}

TEST(Value, ObjectsOfManyMembersAreEqualInAnyOrder) {
  Object forward;
  Object backward;
  for (int i = 0; i < 100; ++i) {
    forward.set("k" + std::to_string(i), i);
    backward.set("k" + std::to_string(99 - i), 99 - i);
  }
  EXPECT_EQ(Value(forward), Value(backward));
  backward.set("k50", 0);
  EXPECT_NE(Value(forward), Value(backward));
  backward.erase("k50");
  backward.set("other", 50);
  EXPECT_NE(Value(forward), Value(backward));
}

}  // namespace
}  // namespace tombolo
