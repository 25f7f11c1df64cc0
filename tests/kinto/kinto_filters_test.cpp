// What the storage finds for a filter, a sorting and a page is what the contract's rules, written
// down a second time without any database (filter_oracle.h), find.
#include <algorithm>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/percent_encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "kinto/filter_oracle.h"
#include "kinto/test_server.h"
#include "protocol/kinto_query.h"

namespace tombolo::kinto_cases {
namespace {

namespace api = protocol::kinto;

constexpr int kObjects = 60;
constexpr int kQueries = 300;

struct Known {
  std::string id;
  std::int64_t last_modified = 0;
  Object data;
};

const std::vector<std::string> kValues = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "1",
                                          "-1",
                                          "1.5",
                                          "10",
                                          "\"\"",
                                          "\"a\"",
                                          "\"A\"",
                                          "\"10\"",
                                          "\"b*c\"",
                                          "\"%\"",
                                          "\"\\u00e9\"",
                                          "[]",
                                          "[1]",
                                          "[1,\"a\"]",
                                          "[[1]]",
                                          "[{\"x\":1}]",
                                          "{}",
                                          "{\"x\":1}",
                                          "{\"x\":{\"y\":2}}",
                                          "{\"x\":[1,2]}"};
const std::vector<std::string> kFields = {"f", "g", "f.x", "f.x.y", "missing"};
const std::vector<std::string> kOperators = {"",      "not_", "lt_",       "max_",
                                             "min_",  "gt_",  "in_",       "exclude_",
                                             "like_", "has_", "contains_", "contains_any_"};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  const std::string& pick(const std::vector<std::string>& from) {
    return from[random_.below(from.size())];
  }
  bool once_in(std::uint64_t times) { return random_.below(times) == 0; }

 private:
  SeededRandom random_;
};

class KintoFilters : public ::testing::Test {
 protected:
  net::ClientResponse send(const std::string& method, const std::string& target, std::string body) {
    net::ClientRequest request;
    request.method = method;
    request.url = target.starts_with('/') ? server_.origin() + target : target;
    request.headers.add("Authorization", "Basic " + to_base64("alice:"));
    request.body = std::move(body);
    Result<net::ClientResponse> response = server_.send(std::move(request));
    EXPECT_TRUE(response.has_value());
    return response ? std::move(*response) : net::ClientResponse{};
  }

  void fill(Dice& dice) {
    send("PUT", "/v1/buckets/b", "");
    send("PUT", "/v1/buckets/b/collections/c", "");
    for (int index = 0; index < kObjects; ++index) {
      Known known;
      known.id = "r" + std::to_string(index);
      known.last_modified = 1'000 + index;
      for (const char* field : {"f", "g"}) {
        if (!dice.once_in(6)) known.data.set(field, Value::parse(dice.pick(kValues)).value());
      }
      Object data = known.data;
      data.set("last_modified", known.last_modified);
      const std::string body = Value(Object{{"data", std::move(data)}}).to_json();
      ASSERT_EQ(send("PUT", "/v1/buckets/b/collections/c/records/" + known.id, body).status, 201);
      known_.push_back(std::move(known));
    }
  }

  static api::ObjectView view_of(const Known& known) {
    api::ObjectView view;
    view.id = known.id;
    view.last_modified = known.last_modified;
    view.data = &known.data;
    return view;
  }

  // The ids that the rules find, in order.
  std::vector<std::string> expected(const api::ListQuery& query) const {
    std::vector<const Known*> found;
    for (const Known& known : known_) {
      if (matches(query.filters, view_of(known))) found.push_back(&known);
    }
    std::sort(found.begin(), found.end(), [&](const Known* left, const Known* right) {
      const api::ObjectView left_view = view_of(*left);
      const api::ObjectView right_view = view_of(*right);
      for (const api::SortField& field : query.sort) {
        const auto order = compare_values(api::find_field(left_view, field.field),
                                          api::find_field(right_view, field.field));
        if (order != 0) return field.descending ? order > 0 : order < 0;
      }
      return false;
    });
    std::vector<std::string> ids;
    for (const Known* known : found) ids.push_back(known->id);
    return ids;
  }

  // The ids that the server lists, over all pages.
  std::vector<std::string> listed(const std::string& query) {
    std::vector<std::string> ids;
    std::string target = "/v1/buckets/b/collections/c/records?" + query;
    for (;;) {
      const net::ClientResponse response = send("GET", target, "");
      EXPECT_EQ(response.status, 200) << response.body;
      const Result<Value> body = Value::parse(response.body);
      if (!body || response.status != 200) return ids;
      for (const Value& record : *(*body)["data"].if_array()) {
        ids.emplace_back(record["id"].as_string());
      }
      const auto next = response.headers.get("Next-Page");
      if (!next) return ids;
      target = *next;
    }
  }

  TestServer server_;
  std::vector<Known> known_;
};

std::string random_query(Dice& dice) {
  std::string query;
  do {
    if (!query.empty()) query += "&";
    const std::string& comparison = dice.pick(kOperators);
    std::string value = dice.pick(kValues);
    if (comparison == "has_") value = dice.once_in(2) ? "true" : "false";
    if (comparison == "like_") value = dice.once_in(2) ? "a" : "*0";
    if (comparison == "in_" || comparison == "exclude_") value = "a,1,null,\"10\"";
    query += comparison + dice.pick(kFields) + "=" + percent_encode(value);
  } while (dice.once_in(3));
  if (dice.once_in(2))
    query += "&_sort=" + std::string(dice.once_in(2) ? "-" : "") + dice.pick(kFields);
  if (dice.once_in(2)) query += "&_limit=7";
  return query;
}

TEST_F(KintoFilters, find_what_the_rules_find) {
  Dice dice(20260301);
  fill(dice);
  std::size_t found = 0;
  for (int count = 0; count < kQueries; ++count) {
    const std::string query = random_query(dice);
    SCOPED_TRACE(query);
    const auto parameters = api::parse_query_string(query);
    ASSERT_TRUE(parameters.has_value());
    const auto list = api::parse_list_query(*parameters, 4'000);
    ASSERT_TRUE(list.has_value()) << list.error().message;
    const std::vector<std::string> ids = listed(query);
    EXPECT_EQ(ids, expected(*list));
    found += ids.size();
  }
  EXPECT_GT(found, std::size_t{kQueries}) << "the queries are about something";
}

}  // namespace
}  // namespace tombolo::kinto_cases
