#include "kinto/filter_oracle.h"

#include <gtest/gtest.h>

namespace tombolo::kinto_cases {
namespace {

const Object kLanguage{{"name", "Ladin"},
                       {"speakers", 31000},
                       {"living", true},
                       {"note", nullptr},
                       {"tags", Array{"romance", "alpine", Object{{"code", "lld"}, {"n", 1}}}},
                       {"where", {{"country", "Italia"}}},
                       {"a.b", "literal"}};

bool passes(FilterOperator comparison, std::string_view field, Value value) {
  ObjectView view;
  view.id = "lld";
  view.last_modified = 12;
  view.data = &kLanguage;
  return matches({comparison, std::string(field), false, std::move(value)}, view);
}

using enum FilterOperator;

TEST(FilterOracle, equality_respects_types) {
  EXPECT_TRUE(passes(equal, "speakers", 31000));
  EXPECT_TRUE(passes(equal, "speakers", 31000.0));
  EXPECT_FALSE(passes(equal, "speakers", "31000"));
  EXPECT_TRUE(passes(equal, "note", nullptr));
  EXPECT_FALSE(passes(equal, "missing", nullptr));
  EXPECT_TRUE(passes(not_equal, "missing", 1));
  EXPECT_FALSE(passes(not_equal, "name", "Ladin"));
}

TEST(FilterOracle, follows_dots_into_objects_and_finds_literal_dots_first) {
  EXPECT_TRUE(passes(equal, "where.country", "Italia"));
  EXPECT_TRUE(passes(equal, "a.b", "literal"));
  EXPECT_FALSE(passes(has, "where.city", true));
  EXPECT_FALSE(passes(has, "name.city", true));
}

TEST(FilterOracle, knows_id_and_last_modified) {
  EXPECT_TRUE(passes(equal, "id", "lld"));
  EXPECT_TRUE(passes(in, "id", Array{"x", "lld"}));
  EXPECT_TRUE(passes(exclude, "id", Array{"x"}));
  EXPECT_TRUE(passes(not_equal, "last_modified", 13));
}

TEST(FilterOracle, orders_types_and_takes_missing_for_the_highest) {
  EXPECT_TRUE(passes(greater, "speakers", 30999));
  EXPECT_FALSE(passes(greater, "speakers", 31000));
  EXPECT_TRUE(passes(at_least, "speakers", 31000));
  EXPECT_TRUE(passes(at_most, "speakers", 31000));
  EXPECT_TRUE(passes(less, "name", 1)) << "a string is less than a number";
  EXPECT_TRUE(passes(greater, "missing", 1));
  EXPECT_TRUE(passes(at_least, "missing", 1));
  EXPECT_FALSE(passes(less, "missing", 1));
  EXPECT_FALSE(passes(at_most, "missing", 1));
}

TEST(FilterOracle, compares_every_type_with_every_other) {
  const std::vector<Value> rising = {nullptr,
                                     "",
                                     "a",
                                     "b",
                                     1,
                                     1.5,
                                     2,
                                     false,
                                     true,
                                     Array{},
                                     Array{2},
                                     Array{3},
                                     Array{1, 1},
                                     Object{},
                                     Object{{"a", 1}},
                                     Object{{"a", 2}},
                                     Object{{"b", 0}}};
  for (std::size_t left = 0; left < rising.size(); ++left) {
    for (std::size_t right = 0; right < rising.size(); ++right) {
      const auto order = compare_values(&rising[left], &rising[right]);
      EXPECT_EQ(order < 0, left < right) << rising[left].to_json() << rising[right].to_json();
      EXPECT_EQ(order == 0, left == right) << rising[left].to_json() << rising[right].to_json();
    }
    EXPECT_TRUE(compare_values(&rising[left], nullptr) < 0);
  }
}

TEST(FilterOracle, in_and_exclude_list_typed_values) {
  EXPECT_TRUE(passes(in, "speakers", Array{1, 31000}));
  EXPECT_FALSE(passes(in, "speakers", Array{"31000"}));
  EXPECT_FALSE(passes(in, "missing", Array{nullptr}));
  EXPECT_TRUE(passes(exclude, "missing", Array{1}));
  EXPECT_FALSE(passes(exclude, "speakers", Array{31000}));
}

TEST(FilterOracle, like_finds_text_in_any_case) {
  EXPECT_TRUE(passes(like, "name", "adi"));
  EXPECT_TRUE(passes(like, "name", "LAD*"));
  EXPECT_FALSE(passes(like, "name", "adin*"));
  EXPECT_TRUE(passes(like, "speakers", "310")) << "numbers by their text";
  EXPECT_FALSE(passes(like, "missing", "x"));
  EXPECT_FALSE(passes(like, "note", "null"));
}

TEST(FilterOracle, like_patterns) {
  EXPECT_TRUE(
      is_like("Stra\xC3\x9F"
              "e",
              "stra_e"));
  EXPECT_TRUE(is_like("\xC3\x89t\xC3\xA9", "\xC3\xA9T\xC3\x89"));
  EXPECT_TRUE(is_like("\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0", "\xD0\xBC\xD0\x9E*"));
  EXPECT_TRUE(is_like("abcabd", "*abd"));
  EXPECT_TRUE(is_like("a%b", "a%b"));
  EXPECT_FALSE(is_like("abc", "*bd*"));
  EXPECT_TRUE(is_like("", "*"));
  EXPECT_TRUE(is_like("anything", ""));
}

TEST(FilterOracle, has_counts_null_as_present) {
  EXPECT_TRUE(passes(has, "note", true));
  EXPECT_TRUE(passes(has, "missing", false));
  EXPECT_FALSE(passes(has, "name", false));
}

TEST(FilterOracle, contains_looks_into_arrays_only) {
  EXPECT_TRUE(passes(contains, "tags", Array{"alpine"}));
  EXPECT_TRUE(passes(contains, "tags", Array{"alpine", "romance"}));
  EXPECT_FALSE(passes(contains, "tags", Array{"alpine", "baltic"}));
  EXPECT_TRUE(passes(contains, "tags", Array{Object{{"code", "lld"}}})) << "objects in part";
  EXPECT_FALSE(passes(contains, "name", Array{"L"}));
  EXPECT_FALSE(passes(contains, "missing", Array{"L"}));
  EXPECT_TRUE(passes(contains_any, "tags", Array{"baltic", "alpine"}));
  EXPECT_FALSE(passes(contains_any, "tags", Array{Object{{"code", "lld"}}})) << "exactly";
  EXPECT_FALSE(passes(contains_any, "name", Array{"Ladin"}));
}

TEST(FilterOracle, a_tombstone_has_nothing_but_that_it_is_deleted) {
  ObjectView tombstone;
  tombstone.id = "a";
  tombstone.last_modified = 1;
  tombstone.deleted = true;
  EXPECT_TRUE(matches(Filter{equal, "deleted", false, true}, tombstone));
  EXPECT_FALSE(matches(Filter{equal, "name", false, "x"}, tombstone));
  EXPECT_TRUE(matches(Filter{greater, "name", false, "x"}, tombstone));
}

}  // namespace
}  // namespace tombolo::kinto_cases
