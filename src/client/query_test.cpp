#include "tombolo/query.h"

#include <gtest/gtest.h>

#include "client/test_database.h"

namespace tombolo {
namespace {

using Ids = std::vector<std::string>;

class QueryTest : public testing::DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    add({{"id", "a"}, {"name", "Ada"}, {"n", 1}, {"flag", true}, {"address", {{"city", "Rom"}}}});
    add({{"id", "b"}, {"name", "Bob"}, {"n", 2.5}, {"flag", false}, {"list", Array{1, 2}}});
    add({{"id", "c"}, {"name", "Adam"}, {"n", "1"}, {"flag", 1}});
    add({{"id", "d"}, {"name", nullptr}, {"n", true}, {"list", "[1,2]"}});
  }
  void add(Object record) { ASSERT_TRUE(people().create(std::move(record))); }
  Collection people() { return db().collection("people"); }
  static Ids ids(const Query& query) {
    Ids result;
    const auto records = query.all();
    EXPECT_TRUE(records) << records.error().message;
    if (!records) return result;
    for (const Record& record : *records) result.push_back(record.id());
    return result;
  }
};

TEST_F(QueryTest, EqualityDoesNotCrossTypes) {
  EXPECT_EQ(ids(people().where("n", 1)), Ids{"a"});
  EXPECT_EQ(ids(people().where("n", 1.0)), Ids{"a"});
  EXPECT_EQ(ids(people().where("n", "1")), Ids{"c"});
  EXPECT_EQ(ids(people().where("n", true)), Ids{"d"});
  EXPECT_EQ(ids(people().where("flag", 1)), Ids{"c"});
  EXPECT_EQ(ids(people().where("flag", false)), Ids{"b"});
  EXPECT_EQ(ids(people().where("list", Array{1, 2})), Ids{"b"});
  EXPECT_EQ(ids(people().where("list", "[1,2]")), Ids{"d"});
  EXPECT_EQ(ids(people().where("name", nullptr)), Ids{"d"});
  EXPECT_EQ(ids(people().where("list", nullptr)), (Ids{"a", "c"}));
  EXPECT_EQ(ids(people().where("name", not_equal_to("Bob"))), (Ids{"a", "c", "d"}));
}

TEST_F(QueryTest, ComparisonsListsAndPrefixes) {
  EXPECT_EQ(ids(people().where("n", greater_than(0))), (Ids{"a", "b"}));
  EXPECT_EQ(ids(people().where("n", at_least(1)).where("n", less_than(2.5))), Ids{"a"});
  EXPECT_EQ(ids(people().where("n", at_most(100))), (Ids{"a", "b"}));
  EXPECT_EQ(ids(people().where("name", greater_than("Ada"))), (Ids{"b", "c"}));
  EXPECT_EQ(ids(people().where("name", starts_with("Ada"))), (Ids{"a", "c"}));
  EXPECT_EQ(ids(people().where("name", in({"Bob", "Adam", nullptr}))), (Ids{"b", "c", "d"}));
  EXPECT_EQ(ids(people().where("n", in({1, true}))), (Ids{"a", "d"}));
  EXPECT_EQ(ids(people().where("n", in({}))), Ids{});
  EXPECT_EQ(ids(people().where("address.city", "Rom")), Ids{"a"});
}

TEST_F(QueryTest, IdsAreAField) {
  const std::string uuid = people().create({{"name", "U"}}).value();
  EXPECT_EQ(ids(people().where("id", uuid)), Ids{uuid});
  EXPECT_EQ(ids(people().where("id", in({"a", uuid}))), (Ids{"a", uuid}));
  EXPECT_EQ(ids(people().where("id", greater_than("b"))), (Ids{"c", "d"}));
  EXPECT_EQ(ids(people().where("id", starts_with(uuid.substr(0, 8)))), Ids{uuid});
  EXPECT_EQ(ids(people().order_by("id").limit(2)), (Ids{uuid, "a"}));
}

TEST_F(QueryTest, OrderLimitOffsetCountAndFirst) {
  EXPECT_EQ(ids(people().order_by("name")), (Ids{"d", "a", "c", "b"}));
  EXPECT_EQ(ids(people().order_by("name", Order::descending)), (Ids{"b", "c", "a", "d"}));
  EXPECT_EQ(ids(people().order_by("name").limit(2).offset(1)), (Ids{"a", "c"}));
  EXPECT_EQ(ids(people().query().offset(3)), Ids{"d"});
  EXPECT_EQ(people().query().limit(1).count().value(), 4);
  EXPECT_EQ(people().order_by("name").first().value()->id(), "d");
  EXPECT_FALSE(people().where("name", "nobody").first().value());
  EXPECT_EQ(db().collection("unknown").count().value(), 0);
}

TEST_F(QueryTest, WrongQuestionsAreErrors) {
  for (const char* field : {"", "a\"b", ".a", "a.", "a\\b"}) {
    EXPECT_EQ(people().where(field, 1).all().error().code, ErrorCode::invalid_argument) << field;
  }
  EXPECT_EQ(people().where("n", less_than(nullptr)).all().error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(people().query().limit(-1).all().error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ids(people().where("it's", 1)), Ids{});
}

TEST_F(QueryTest, DeclaredIndexesAreUsed) {
  ASSERT_TRUE(people().declare_index({"name"}));
  ASSERT_TRUE(people().declare_index({"name"}));
  ASSERT_TRUE(
      people().set_schema(Value::parse(R"({"properties": {"n": {"x-index": true}}})").value()));
  const auto uses_index = [](const Query& query) {
    const std::string plan = query.explain().value();
    EXPECT_EQ(plan.find("SCAN records\n"), std::string::npos) << plan;
    return plan.find("USING INDEX field_index_") != std::string::npos;
  };
  EXPECT_TRUE(uses_index(people().where("name", "Ada")))
      << people().where("name", "Ada").explain().value();
  EXPECT_TRUE(uses_index(people().where("name", starts_with("A"))));
  EXPECT_TRUE(uses_index(people().where("name", in({"Ada", "Bob"}))));
  EXPECT_TRUE(uses_index(people().where("n", greater_than(1))));
  EXPECT_TRUE(uses_index(people().order_by("name").limit(10)));
  EXPECT_TRUE(uses_index(people().order_by("name", Order::descending).limit(10)));
  EXPECT_EQ(people().order_by("name").limit(10).explain().value().find("TEMP B-TREE"),
            std::string::npos);
  EXPECT_FALSE(uses_index(people().where("flag", true)));
  EXPECT_EQ(ids(people().where("name", starts_with("Ada"))), (Ids{"a", "c"}));
}

}  // namespace
}  // namespace tombolo
