// Requests that are broken, huge, deep or no text: the error that the contract names, and a server
// that goes on.
#include <gtest/gtest.h>

#include "base/text.h"
#include "kinto/test_server.h"

#include "tombolo/value.h"

namespace tombolo::kinto_cases {
namespace {

class KintoBadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    put("/v1/buckets/b", "");
    put("/v1/buckets/b/collections/c", "");
  }

  // Whatever happened in a test, a good request works afterwards, and what was stored can be read.
  void TearDown() override {
    EXPECT_EQ(put("/v1/buckets/b/collections/c/records/last", R"({"data":{"fine":true}})").status,
              201);
    const net::ClientResponse list = send("GET", "/v1/buckets/b/collections/c/records", "");
    EXPECT_EQ(list.status, 200);
    EXPECT_TRUE(Value::parse(list.body).has_value());
    EXPECT_EQ(send("GET", "/v1/__heartbeat__", "").status, 200);
  }

  net::ClientResponse send(const std::string& method, const std::string& target, std::string body) {
    net::ClientRequest request;
    request.method = method;
    request.url = server_.origin() + target;
    request.headers.add("Authorization", "Basic " + to_base64("alice:"));
    request.body = std::move(body);
    Result<net::ClientResponse> response = server_.send(std::move(request));
    EXPECT_TRUE(response.has_value()) << (response ? "" : response.error().message);
    return response ? std::move(*response) : net::ClientResponse{};
  }

  net::ClientResponse put(const std::string& target, std::string body) {
    return send("PUT", target, std::move(body));
  }

  net::ClientResponse put_record(std::string body) {
    return put("/v1/buckets/b/collections/c/records/r", std::move(body));
  }

  static std::int64_t number_of(const net::ClientResponse& response) {
    const Result<Value> body = Value::parse(response.body);
    return body ? (*body)["errno"].as_integer() : 0;
  }

  TestServer server_;
};

TEST_F(KintoBadInput, is_cut_off_anywhere) {
  const std::string whole = R"({"data":{"a":[1,2.5e3,"\u00e9\"",true,null,{"b":{}}]}})";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const net::ClientResponse response = put_record(whole.substr(0, size));
    EXPECT_EQ(response.status, 400) << size;
    EXPECT_EQ(number_of(response), 107) << size;
  }
  EXPECT_EQ(put_record(whole).status, 201);
}

TEST_F(KintoBadInput, is_no_utf8) {
  EXPECT_EQ(put_record("{\"data\":{\"a\":\"\xff\xfe\"}}").status, 400);
  EXPECT_EQ(put_record("{\"data\":{\"\xc3\":1}}").status, 400);
  EXPECT_EQ(put_record("\xef\xbb\xbf{}").status, 400);
  EXPECT_EQ(put("/v1/buckets/b/collections/c/records/%c3%28", "").status, 400);
  EXPECT_EQ(send("GET", "/v1/buckets/b/collections/c/records?a=%c3%28", "").status, 400);
  EXPECT_EQ(send("GET", "/v1/buckets/b/collections/c/records?%ff=1", "").status, 400);
}

TEST_F(KintoBadInput, has_nul_characters) {
  EXPECT_EQ(put_record(R"({"data":{"a":"x\u0000"}})").status, 400);
  EXPECT_EQ(put_record(R"({"data":{"x\u0000":1}})").status, 400);
  EXPECT_EQ(put_record(std::string("{\"data\":{\"a\":\"\0\"}}", 18)).status, 400);
  EXPECT_EQ(put_record(R"({"permissions":{"read":["x\u0000"]}})").status, 400);
  EXPECT_EQ(send("GET", "/v1/buckets/b/collections/c/records?a=%00", "").status, 400);
  EXPECT_EQ(send("GET", "/v1/buckets/b/collections/c/records?like_a=%00", "").status, 400);
  EXPECT_EQ(send("GET", "/v1/buckets/b/collections/c/records?a%00=1", "").status, 400);
  EXPECT_EQ(put("/v1/buckets/b/collections/c/records/a%00", "").status, 400);
}

TEST_F(KintoBadInput, is_nested_deeply) {
  const auto nested = [](int levels) {
    return "{\"data\":{\"a\":" + std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']') + "}}";
  };
  EXPECT_EQ(put_record(nested(60)).status, 201);
  EXPECT_EQ(put_record(nested(63)).status, 400);
  EXPECT_EQ(put_record(nested(100'000)).status, 400);
  std::string objects;
  for (int level = 0; level < 50'000; ++level) objects += "{\"a\":";
  EXPECT_EQ(put_record(objects).status, 400);
}

TEST_F(KintoBadInput, is_huge) {
  const std::string large(4 << 20, 'x');
  EXPECT_EQ(put_record("{\"data\":{\"a\":\"" + large + "\"}}").status, 201);
  EXPECT_EQ(put_record("{\"data\":{\"a\":\"" + large + large + large + large + "\"}}").status, 413);
  std::string many = "{\"data\":{";
  for (int field = 0; field < 20'000; ++field) {
    many += "\"field" + std::to_string(field) + "\":" + std::to_string(field) + ",";
  }
  EXPECT_EQ(put_record(many + "\"last\":1}}").status, 200);
}

TEST_F(KintoBadInput, has_odd_fields) {
  EXPECT_EQ(put_record(R"({"data":{"":1,"a.b":2,"$":3,"__proto__":{},"removed":["x"],
                          "deleted":false,"id":"r","schema":1,"_status":"x"}})")
                .status,
            201);
  const net::ClientResponse read = send("GET", "/v1/buckets/b/collections/c/records/r", "");
  EXPECT_EQ((*Value::parse(read.body))["data"]["a.b"], Value(2));
  EXPECT_EQ((*Value::parse(read.body))["data"][""], Value(1));
  EXPECT_EQ(put_record(R"({"data":{"n":1e999,"m":-0.0,"big":18446744073709551616,
                          "lone":"\udc00\ud800"}})")
                .status,
            200);
}

TEST_F(KintoBadInput, asks_for_odd_lists) {
  const auto list = [&](const std::string& query) {
    return send("GET", "/v1/buckets/b/collections/c/records?" + query, "").status;
  };
  EXPECT_EQ(put_record(R"({"data":{"a":{"b":1}}})").status, 201);
  EXPECT_EQ(list("_sort=a.b.c.d,-a,..,$,%22"), 200);
  EXPECT_EQ(list("_fields=,,a.,.b,a..b"), 200);
  EXPECT_EQ(list("_limit=99999999999999999999"), 400);
  EXPECT_EQ(list("_limit=9223372036854775807"), 200);
  EXPECT_EQ(list("_since=9223372036854775807"), 400);
  EXPECT_EQ(list("a=" + std::string(1000, '[')), 200);
  EXPECT_EQ(list("in_a=" + std::string(5000, ',')), 200);
  EXPECT_EQ(list("a'b%22c=1&min_a%22=2&$.x=1&a%5B0%5D=1"), 200);
  EXPECT_EQ(list("like_a=" + std::string(2000, '*') + "x"), 200);
  EXPECT_EQ(list("contains_a={}&contains_any_a=[[[]]]"), 200);
  EXPECT_EQ(list("_token=" + std::string(4000, 'A')), 400);
  std::string many;
  for (int filter = 0; filter < 400; ++filter) many += "&f" + std::to_string(filter) + "=1";
  EXPECT_LT(list(many), 500);
}

TEST_F(KintoBadInput, forges_page_tokens) {
  const std::string query = "/v1/buckets/b/collections/c/records?_sort=a&_token=";
  for (const std::string_view content :
       {"{}", "[]", "null", R"({"last_object":{},"key":1,"offset":0,"nonce":""})",
        R"({"last_object":{"last_modified":1.5},"key":1,"offset":0,"nonce":""})",
        R"({"last_object":{"last_modified":1},"key":"1","offset":0,"nonce":""})"}) {
    EXPECT_EQ(send("GET", query + to_base64(content, Base64::url), "").status, 400) << content;
  }
  const std::string odd = to_base64(
      R"({"last_object":{"last_modified":1,"a":{"x":[null]}},"key":-5,"offset":-1,"nonce":""})",
      Base64::url);
  EXPECT_LT(send("GET", query + odd, "").status, 500);
}

}  // namespace
}  // namespace tombolo::kinto_cases
