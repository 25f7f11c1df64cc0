#include "protocol/kinto_query.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "protocol/kinto_fields.h"
#include "protocol/kinto_page.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

ListQuery read(std::string_view query) {
  const auto parameters = parse_query_string(query);
  EXPECT_TRUE(parameters.has_value()) << query;
  const auto list = parse_list_query(parameters.value(), kNowMs);
  EXPECT_TRUE(list.has_value()) << query << ": " << (list ? "" : list.error().message);
  return list.value_or(ListQuery{});
}

std::string refusal(std::string_view query) {
  const auto parameters = parse_query_string(query);
  if (!parameters) return parameters.error().message;
  const auto list = parse_list_query(*parameters, kNowMs);
  return list ? "accepted" : list.error().message;
}

TEST(KintoQuery, types_values_as_json_where_they_are_json) {
  EXPECT_TRUE(typed_value("10").is_integer());
  EXPECT_EQ(typed_value("1.5"), Value(1.5));
  EXPECT_EQ(typed_value("true"), Value(true));
  EXPECT_TRUE(typed_value("null").is_null());
  EXPECT_EQ(typed_value("\"10\""), Value("10"));
  EXPECT_EQ(typed_value("[1,2]"), Value(Array{1, 2}));
  EXPECT_EQ(typed_value("Ladin"), Value("Ladin"));
  EXPECT_EQ(typed_value(""), Value(""));
}

TEST(KintoQuery, bounds_what_becomes_one_sql_expression) {
  std::string filters = "a=1";
  for (int count = 1; count < 100; ++count) filters += "&a=1";
  EXPECT_EQ(refusal(filters), "accepted");
  EXPECT_EQ(refusal(filters + "&a=1"), "querystring: At most 100 filters");
  std::string values = "in_a=1";
  for (int count = 1; count < 10'000; ++count) values += ",1";
  EXPECT_EQ(refusal(values), "accepted");
  EXPECT_NE(refusal(values + ",1"), "accepted");
  std::string fields = "_sort=a";
  for (int count = 1; count < 20; ++count) fields += ",a";
  EXPECT_NE(refusal(fields), "accepted") << "last_modified is added to them";
}

TEST(KintoQuery, decodes_names_and_values) {
  const auto parameters = parse_query_string("a%20b=c+d&&x&y=1=2");
  ASSERT_TRUE(parameters.has_value());
  ASSERT_EQ(parameters->size(), 3u);
  EXPECT_EQ((*parameters)[0].name, "a b");
  EXPECT_EQ((*parameters)[0].value, "c d");
  EXPECT_EQ((*parameters)[1].value, "");
  EXPECT_EQ((*parameters)[2].value, "1=2");
}

TEST(KintoQuery, refuses_a_query_that_is_no_utf8) {
  EXPECT_NE(refusal("title=%ff").find("incorrect encoding"), std::string::npos);
}

TEST(KintoQuery, bounds_timestamps_with_or_without_quotes) {
  const ListQuery list = read("_since=%22100%22&_before=200");
  EXPECT_EQ(list.after, 100);
  EXPECT_EQ(list.before, 200);
  EXPECT_TRUE(list.includes_tombstones);
  EXPECT_TRUE(list.filters.empty());
}

TEST(KintoQuery, turns_every_filter_on_last_modified_into_a_bound) {
  EXPECT_EQ(read("gt_last_modified=5").after, 5);
  EXPECT_EQ(read("min_last_modified=5").after, 4);
  EXPECT_EQ(read("max_last_modified=5").before, 6);
  EXPECT_EQ(read("last_modified=5").after, 4);
  EXPECT_EQ(read("last_modified=5").before, 6);
  EXPECT_EQ(read("_since=9&gt_last_modified=5").after, 9);
  EXPECT_TRUE(read("lt_last_modified=5").includes_tombstones);
  EXPECT_FALSE(read("title=x").includes_tombstones);
}

TEST(KintoQuery, refuses_what_is_no_timestamp) {
  EXPECT_EQ(refusal("_since=abc"), "Invalid value for _since");
  EXPECT_EQ(refusal("_since=1.5"), "Invalid value for _since");
  EXPECT_EQ(refusal("_since=-1"), "Invalid value for _since");
  EXPECT_EQ(refusal("_before=9223372036854775808"), "Invalid value for _before");
  EXPECT_EQ(refusal("_since=" + std::to_string(kNowMs + 86'400'000)), "Invalid value for _since");
  EXPECT_EQ(refusal("_since=" + std::to_string(kNowMs + 86'399'000)), "accepted");
  EXPECT_EQ(refusal("gt_last_modified=tomorrow"), "Invalid value for gt_last_modified");
}

TEST(KintoQuery, marks_the_deprecated_name_of_before) {
  EXPECT_TRUE(read("_to=10").uses_deprecated_to);
  EXPECT_EQ(read("_to=10").before, 10);
}

TEST(KintoQuery, reads_limits) {
  EXPECT_EQ(read("_limit=10").limit, 10);
  EXPECT_EQ(read("").limit, std::nullopt);
  EXPECT_EQ(refusal("_limit=ten"), "querystring: _limit should be an integer");
  EXPECT_EQ(refusal("_limit=-1"), "querystring: _limit should be an integer");
}

TEST(KintoQuery, reads_operators_and_fields) {
  const ListQuery list = read(
      "title=a&not_title=b&lt_n=1&max_n=2&min_n=0&gt_n=0&in_s=a,1&exclude_s=b&like_t=x*"
      "&has_u=true&contains_tags=a&contains_any_tags=[1,2]&eq_a.b=1");
  ASSERT_EQ(list.filters.size(), 13u);
  EXPECT_EQ(list.filters[0].comparison, FilterOperator::equal);
  EXPECT_EQ(list.filters[1].comparison, FilterOperator::not_equal);
  EXPECT_EQ(list.filters[6].value, Value(Array{"a", 1}));
  EXPECT_EQ(list.filters[10].value, Value(Array{"a"}));
  EXPECT_EQ(list.filters[11].comparison, FilterOperator::contains_any);
  EXPECT_EQ(list.filters[12].field, "a.b");
}

TEST(KintoQuery, takes_a_name_of_other_characters_for_a_field) {
  EXPECT_EQ(read("min_a-b=1").filters[0].field, "min_a-b");
}

TEST(KintoQuery, refuses_filters_that_make_no_sense) {
  EXPECT_EQ(refusal("like_x=10"), "Invalid value for like_x");
  EXPECT_EQ(refusal("has_x=10"), "Invalid value for has_x");
  EXPECT_EQ(refusal("in_id=1,2"), "Invalid value for in_id");
  EXPECT_EQ(refusal("in_last_modified=a"), "Invalid value for in_last_modified");
  EXPECT_EQ(refusal("contains_id=a"), "contains_id in querystring: Field 'id' is not an array");
  EXPECT_EQ(refusal("contains_any_last_modified=1"),
            "contains_any_last_modified in querystring: Field 'last_modified' is not an array");
  EXPECT_EQ(refusal("title=%22%5Cu0000%22"), "Invalid value for title");
  EXPECT_NE(refusal("a%00b=1"), "accepted");
}

TEST(KintoQuery, compares_ids_as_text) {
  EXPECT_EQ(read("id=12").filters[0].value, Value("12"));
}

TEST(KintoQuery, ignores_reserved_names_that_it_does_not_know) {
  EXPECT_TRUE(read("_expected=123&_foo=bar").filters.empty());
}

TEST(KintoQuery, sorts_newest_first_among_equals) {
  const ListQuery list = read("_sort=title,-address.city,%2Bn");
  const std::vector<SortField> expected = {
      {"title", false}, {"address.city", true}, {"n", false}, {"last_modified", true}};
  EXPECT_EQ(list.sort, expected);
  EXPECT_TRUE(read("").is_newest_first());
  EXPECT_TRUE(read("_sort=-last_modified").is_newest_first());
  EXPECT_FALSE(read("_sort=last_modified").is_newest_first());
  EXPECT_EQ(read("_sort=last_modified").sort.size(), 1u);
}

TEST(KintoQuery, leaves_out_sort_fields_that_are_no_names) {
  EXPECT_TRUE(read("_sort=ti!tle,,").is_newest_first());
}

TEST(KintoQuery, knows_when_the_fields_of_objects_are_needed) {
  EXPECT_FALSE(read("_since=1&exclude_id=a,b&_limit=2").needs_data());
  EXPECT_TRUE(read("title=x").needs_data());
  EXPECT_TRUE(read("_sort=title").needs_data());
  EXPECT_TRUE(read("_fields=title").needs_data());
}

TEST(KintoQuery, reads_the_forced_timestamp_of_a_delete) {
  const auto forced = [](std::string_view query) {
    return parse_forced_timestamp(parse_query_string(query).value());
  };
  EXPECT_EQ(forced("last_modified=12").value(), 12);
  EXPECT_EQ(forced("last_modified=%2212%22").value(), 12);
  EXPECT_EQ(forced("").value(), std::nullopt);
  EXPECT_FALSE(forced("last_modified=abc").has_value());
}

// --- projection ---

TEST(KintoFields, keeps_fields_and_subfields) {
  const Object object{{"a", 1}, {"b", {{"c", 2}, {"d", 3}}}, {"e", 4}};
  EXPECT_EQ(Value(project(object, {"a", "b.c"})).to_json(), R"({"a":1,"b":{"c":2}})");
}

TEST(KintoFields, keeps_a_parent_that_is_no_object_whole) {
  EXPECT_EQ(Value(project(Object{{"a", Array{1}}}, {"a.b"})).to_json(), R"({"a":[1]})");
}

TEST(KintoFields, leaves_out_what_is_not_there) {
  EXPECT_EQ(Value(project(Object{{"a", 1}}, {"b", "a"})).to_json(), R"({"a":1})");
}

// --- pages ---

Position position(const Object& data, std::int64_t key, std::int64_t modified,
                  const std::vector<SortField>& sort) {
  ObjectView view;
  view.id = "r";
  view.last_modified = modified;
  view.data = &data;
  return position_of(view, sort, key);
}

TEST(KintoPage, tells_where_the_next_page_begins) {
  const std::vector<SortField> sort = {{"title", false}, {"last_modified", true}};
  const PageToken token{position(Object{{"title", "x"}}, 7, 12, sort), 10, "n"};
  const Checked<PageToken> read = decode_page_token(encode_page_token(token, sort), sort);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->offset, 10);
  EXPECT_EQ(read->nonce, "n");
  EXPECT_EQ(read->last.key, 7);
  EXPECT_EQ(read->last.values, token.last.values);
}

TEST(KintoPage, keeps_that_a_field_was_missing) {
  const std::vector<SortField> sort = {{"title", false}, {"last_modified", true}};
  const PageToken token{position(Object(), 7, 12, sort), 1, ""};
  EXPECT_FALSE(decode_page_token(encode_page_token(token, sort), sort)->last.values[0]);
}

TEST(KintoPage, refuses_tokens_of_others) {
  const std::vector<SortField> sort = {{"last_modified", true}};
  const std::string no_object = to_base64("[1]");
  const std::string no_keys = to_base64("{}");
  const std::string wrong_type =
      to_base64(R"({"last_object":{"last_modified":"x"},"key":1,"offset":1,"nonce":""})");
  for (const std::string& text :
       {std::string("%%"), no_object, no_keys, wrong_type, std::string()}) {
    const Checked<PageToken> read = decode_page_token(text, sort);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().message, "querystring: _token has invalid content");
  }
}

TEST(KintoPage, keeps_the_parameters_of_the_request) {
  const auto parameters = parse_query_string("_sort=-n&title=a%20b&_limit=5&_token=old").value();
  EXPECT_EQ(next_page_query(parameters, 3, "t+k="),
            "_sort=-n&title=a%20b&_limit=3&_token=t%2Bk%3D");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
