#include "protocol/kinto_precondition.h"

#include <gtest/gtest.h>

#include "protocol/kinto_cors.h"

namespace tombolo::protocol::kinto {
namespace {

using Header = std::optional<std::string_view>;

Preconditions parsed(Header if_match, Header if_none_match) {
  const auto read = parse_preconditions(if_match, if_none_match);
  EXPECT_TRUE(read.has_value());
  return read.value_or(Preconditions{});
}

Verdict on_read(Header if_match, Header if_none_match, std::optional<std::int64_t> current) {
  return judge(parsed(if_match, if_none_match), current, true);
}

Verdict on_write(Header if_match, Header if_none_match, std::optional<std::int64_t> current) {
  return judge(parsed(if_match, if_none_match), current, false);
}

TEST(KintoPrecondition, a_read_of_the_same_timestamp_is_not_modified) {
  EXPECT_EQ(on_read({}, "\"12\"", 12), Verdict::not_modified);
  EXPECT_EQ(on_read({}, "\"12\"", 13), Verdict::proceed);
  EXPECT_EQ(on_read({}, "\"12\"", std::nullopt), Verdict::proceed);
  EXPECT_EQ(on_write({}, "\"12\"", 12), Verdict::proceed);
}

TEST(KintoPrecondition, if_none_match_star_wants_nothing_there) {
  EXPECT_EQ(on_write({}, "*", 12), Verdict::failed);
  EXPECT_EQ(on_write({}, "*", std::nullopt), Verdict::proceed);
  EXPECT_EQ(on_read({}, "*", 12), Verdict::failed);
}

TEST(KintoPrecondition, if_match_wants_that_timestamp) {
  EXPECT_EQ(on_write("\"12\"", {}, 12), Verdict::proceed);
  EXPECT_EQ(on_write("\"12\"", {}, 13), Verdict::failed);
  EXPECT_EQ(on_write("\"14\"", {}, 13), Verdict::failed);
  EXPECT_EQ(on_write("\"12\"", {}, std::nullopt), Verdict::failed);
  EXPECT_EQ(on_read("\"12\"", {}, 13), Verdict::failed);
  EXPECT_EQ(on_write("*", {}, 12), Verdict::proceed);
  EXPECT_EQ(on_write("*", {}, std::nullopt), Verdict::failed);
}

TEST(KintoPrecondition, nothing_is_asked_without_headers) {
  EXPECT_TRUE(parsed({}, {}).empty());
  EXPECT_EQ(on_write({}, {}, std::nullopt), Verdict::proceed);
  EXPECT_TRUE(parsed({}, "*").only_if_new());
  EXPECT_FALSE(parsed({}, "\"1\"").only_if_new());
}

TEST(KintoPrecondition, refuses_other_values) {
  for (const std::string_view text : {"12", "\"abc\"", "\"\"", "\"", "\"-1\"", "\"1", "\"1 \"",
                                      "W/\"1\"", "\"99999999999999999999\""}) {
    const auto read = parse_preconditions(text, std::nullopt);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().message,
              "Invalid value for If-Match. The value should be integer between double quotes.");
    EXPECT_FALSE(parse_preconditions(std::nullopt, text).has_value()) << text;
  }
}

TEST(KintoPrecondition, writes_etags_and_http_dates) {
  EXPECT_EQ(etag_of(1432208041618), "\"1432208041618\"");
  EXPECT_EQ(http_date_of(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date_of(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date_of(1709251199999), "Thu, 29 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(http_date_of(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(KintoCors, answers_origins_that_are_allowed) {
  EXPECT_EQ(allowed_origin("https://a.example", {"*"}), "*");
  EXPECT_EQ(allowed_origin("https://a.example", {"https://a.example"}), "https://a.example");
  EXPECT_EQ(allowed_origin("https://b.example", {"https://a.example"}), std::nullopt);
}

TEST(KintoCors, exposes_the_headers_that_clients_read) {
  const Route list = route_path("/v1/buckets").value();
  EXPECT_NE(exposed_headers(&list, true, false).find("Next-Page"), std::string_view::npos);
  EXPECT_NE(exposed_headers(&list, false, true).find("Total-Records"), std::string_view::npos);
  EXPECT_EQ(exposed_headers(nullptr, true, false),
            "Backoff, Retry-After, Alert, Content-Length, Content-Type");
  EXPECT_EQ(preflight_methods(&list), "GET,HEAD,POST,DELETE,OPTIONS");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
