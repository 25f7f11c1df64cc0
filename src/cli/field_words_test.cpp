// Words of a command line as fields, conditions and orders.
#include "cli/field_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::cli {
namespace {

using ::testing::HasSubstr;
using Comparison = Condition::Comparison;

Result<Object> fields_of(std::vector<std::string> words) {
  return read_fields(words);
}

TEST(FieldWords, AreJsonWhenTheyReadAsJsonAndElseText) {
  const auto fields = fields_of({"name=Ladin", "speakers=31000", "living=true", "code=\"007\"",
                                 "tags=[\"a\"]", "note=", "formula=a=b"});
  ASSERT_TRUE(fields);
  EXPECT_EQ(*fields, (Object{{"name", "Ladin"},
                             {"speakers", 31000},
                             {"living", true},
                             {"code", "007"},
                             {"tags", Array{"a"}},
                             {"note", ""},
                             {"formula", "a=b"}}));
}

TEST(FieldWords, LaterWordsWinOverEarlierOnes) {
  const auto fields = fields_of({R"({"name":"Ladin","scope":"I"})", "scope=M"});
  ASSERT_TRUE(fields);
  EXPECT_EQ(*fields, (Object{{"name", "Ladin"}, {"scope", "M"}}));
}

TEST(FieldWords, NameWhatIsWrong) {
  EXPECT_THAT(fields_of({"Ladin"}).error().message, HasSubstr("\"Ladin\" is neither name=value"));
  EXPECT_THAT(fields_of({"=Ladin"}).error().message, HasSubstr("neither name=value"));
  EXPECT_THAT(fields_of({"{\"a\":}"}).error().message, HasSubstr("is no JSON"));
}

void expect_condition(const char* text, const char* field, Comparison comparison,
                      const Value& operand) {
  const auto filter = read_condition(text);
  ASSERT_TRUE(filter) << text;
  EXPECT_EQ(filter->field, field) << text;
  EXPECT_EQ(filter->condition.comparison(), comparison) << text;
  EXPECT_EQ(filter->condition.operand(), operand) << text;
}

TEST(Conditions, AreAFieldAComparisonAndAValue) {
  expect_condition("scope=I", "scope", Comparison::equal, "I");
  expect_condition("speakers>1000", "speakers", Comparison::greater, 1000);
  expect_condition("speakers >= 1000", "speakers", Comparison::at_least, 1000);
  expect_condition("speakers<=1.5", "speakers", Comparison::at_most, 1.5);
  expect_condition("speakers<0", "speakers", Comparison::less, 0);
  expect_condition("scope!=I", "scope", Comparison::not_equal, "I");
  expect_condition("code^=12", "code", Comparison::starts_with, "12");
  expect_condition("note=null", "note", Comparison::equal, Value());
  expect_condition("type in L, H", "type", Comparison::in, Array{"L", "H"});
  expect_condition("n in [1,2]", "n", Comparison::in, Array{1, 2});
  expect_condition("name=born in Rome", "name", Comparison::equal, "born in Rome");
}

TEST(Conditions, SayHowTheyAreWritten) {
  for (const char* text : {"scope", "", "=I", " >5"}) {
    const auto filter = read_condition(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_THAT(filter.error().message, HasSubstr("is no condition"));
  }
}

TEST(Orders, AreDescendingWithAMinus) {
  EXPECT_EQ(read_order("name").field, "name");
  EXPECT_EQ(read_order("name").order, Order::ascending);
  EXPECT_EQ(read_order("-speakers").field, "speakers");
  EXPECT_EQ(read_order("-speakers").order, Order::descending);
}

}  // namespace
}  // namespace tombolo::cli
