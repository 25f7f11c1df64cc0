#include "cli/demo_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

View view(std::string who, const std::string& json) {
  return {std::move(who), records_by_id(Value::parse(json).value()).value()};
}

const std::string kTwo = R"([{"id":"fur","n":1},{"id":"lld","n":2,"deep":{"x":[1,2]}}])";

TEST(DemoCompare, FindsNothingWhereAllSeeTheSame) {
  const View a = view("a", kTwo);
  // Neither the order of records and fields nor a server's timestamps are data.
  const View b = view("b", R"([{"deep":{"x":[1,2]},"n":2.0,"id":"lld"},
                               {"last_modified":5,"id":"fur","n":1}])");
  EXPECT_THAT(differences({a, b, a}, 10), IsEmpty());
  EXPECT_EQ(fingerprint(*a.records), fingerprint(*b.records));
  EXPECT_EQ(fingerprint(*a.records).size(), 8U);
}

TEST(DemoCompare, FindsEveryKindOfDifference) {
  const View a = view("a", kTwo);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"([{"id":"fur","n":1}])", "a has the record lld, b has not"},
      {R"([{"id":"fur","n":1},{"id":"lld","n":2,"deep":{"x":[1,2]}},{"id":"x"}])",
       "b has the record x, a has not"},
      {R"([{"id":"fur","n":"1"},{"id":"lld","n":2,"deep":{"x":[1,2]}}])",
       "fur.n is 1 for a and \"1\" for b"},
      {R"([{"id":"fur"},{"id":"lld","n":2,"deep":{"x":[1,2]}}])",
       "fur.n is 1 for a and nothing for b"},
      {R"([{"id":"fur","n":1,"m":null},{"id":"lld","n":2,"deep":{"x":[1,2]}}])",
       "fur.m is nothing for a and null for b"},
      {R"([{"id":"fur","n":1},{"id":"lld","n":2,"deep":{"x":[2,1]}}])",
       "lld.deep is {\"x\":[1,2]} for a and {\"x\":[2,1]} for b"}};
  for (const auto& [json, sentence] : cases) {
    const View b = view("b", json);
    EXPECT_THAT(differences({a, b}, 10), ElementsAre(sentence));
    EXPECT_THAT(differences({a, a, b}, 10), SizeIs(1)) << "in the last view too";
    EXPECT_NE(fingerprint(*a.records), fingerprint(*b.records)) << json;
  }
}

TEST(DemoCompare, NamesSomeDifferencesAndCountsTheOthers) {
  const View a = view("a", kTwo);
  const View b = view("b", R"([{"id":"x"},{"id":"y"}])");
  EXPECT_THAT(differences({a, b}, 3), ElementsAre(HasSubstr("fur"), HasSubstr("lld"),
                                                  HasSubstr("x"), "and 1 other difference"));
  EXPECT_THAT(differences({a, {"b", std::nullopt}}, 3), ElementsAre("b cannot be asked"));
}

TEST(DemoCompare, TakesNothingThatIsNoListOfRecords) {
  for (const char* json : {"null", "{}", "[5]", "[{}]", R"([{"id":""}])", R"([{"id":5}])",
                           R"([{"id":"a"},{"id":"a"}])"}) {
    const auto records = records_by_id(Value::parse(json).value());
    ASSERT_FALSE(records) << json;
    EXPECT_EQ(records.error().code, ErrorCode::invalid_data);
  }
}

TEST(DemoCompare, ShowsWhatEachSeesAndWhetherItIsEqual) {
  const View a = view("a", kTwo);
  const View b = view("b", R"([{"id":"lld","n":3,"text":"x"}])");
  const std::string text =
      sights({a, b}, {{"lld", "Ladin", "n"}, {"lld", "Ladin", "text"}, {"fur", "Friulian", "n"}},
             true)
          .text(200, false);
  EXPECT_THAT(text, HasSubstr("record    field        a         b\n"));
  EXPECT_THAT(text, HasSubstr("(all)     how many     2         1          different\n"));
  EXPECT_THAT(text, HasSubstr("Ladin     n            2         3          different\n"));
  EXPECT_THAT(text, HasSubstr("          text         -         x          different\n"));
  EXPECT_THAT(text, HasSubstr("Friulian  n            1         (removed)  different\n"));
  const std::string same = sights({a, a}, {{"lld", "Ladin", "n"}}, true).text(200, false);
  EXPECT_THAT(same, AllOf(HasSubstr("equal"), testing::Not(HasSubstr("different"))));
}

TEST(DemoCompare, MissesALossThatTheLedgerDoesNotTell) {
  const std::vector<ExpectedLoss> expected = {{"fur", "n", Value(1), Value(2)},
                                              {"dlm", "", Value{{"x", 1}}, std::nullopt}};
  const std::string fur =
      R"({"record":"fur","field":"n","losing_value":1,"winning_value":2,"rule":"r"})";
  const std::string dlm = R"({"record":"dlm","field":"","losing_value":{"x":1}})";
  const auto wrong = [&](const std::string& json) {
    return wrong_losses(Value::parse(json).value(), expected);
  };
  EXPECT_THAT(wrong("[" + dlm + "," + fur + "]"), IsEmpty());
  EXPECT_THAT(wrong("[" + dlm + "]"), ElementsAre("fur.n lost 1 and that is not in the ledger"));
  EXPECT_THAT(wrong("null"), SizeIs(2));
  // Another loser, another winner, a loser too many.
  EXPECT_THAT(
      wrong(R"([{"record":"fur","field":"n","losing_value":2,"winning_value":1},)" + dlm + "]"),
      SizeIs(2));
  EXPECT_THAT(wrong(R"([{"record":"dlm","field":"","losing_value":{"x":1},"winning_value":5},)" +
                    fur + "]"),
              SizeIs(2));
  EXPECT_THAT(wrong("[" + fur + "," + dlm + R"(,{"record":"lld"}])"),
              ElementsAre(HasSubstr("a loss that never was: {\"record\":\"lld\"}")));
}

}  // namespace
}  // namespace tombolo::cli
