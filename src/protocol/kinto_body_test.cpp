#include "protocol/kinto_body.h"

#include <gtest/gtest.h>

#include "protocol/kinto_batch.h"

namespace tombolo::protocol::kinto {
namespace {

Checked<WriteBody> read(std::string_view text, ResourceKind kind = ResourceKind::record) {
  Checked<Value> body = parse_body(text);
  if (!body) return refuse(body);
  return read_write_body(std::move(*body), kind);
}

std::string refusal(std::string_view text, ResourceKind kind = ResourceKind::record) {
  const auto body = read(text, kind);
  return body ? "accepted" : body.error().message;
}

TEST(KintoBody, has_data_and_permissions) {
  const auto body = read(R"({"data":{"a":1},"permissions":{"read":["x","x","y"]}})");
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(*body->data, (Object{{"a", 1}}));
  ASSERT_EQ(body->permissions.size(), 1u);
  EXPECT_EQ(body->permissions[0].name, "read");
  EXPECT_EQ(*body->permissions[0].principals, (std::vector<std::string>{"x", "y"}));
}

TEST(KintoBody, may_be_empty) {
  EXPECT_FALSE(read("")->data.has_value());
  EXPECT_FALSE(read("  \n")->data.has_value());
  EXPECT_FALSE(read("{}")->data.has_value());
}

TEST(KintoBody, keeps_that_a_permission_is_null) {
  EXPECT_FALSE(read(R"({"permissions":{"read":null}})")->permissions[0].principals.has_value());
}

TEST(KintoBody, refuses_what_is_no_json_object) {
  EXPECT_TRUE(refusal("{").starts_with("body: invalid JSON at byte 1"));
  EXPECT_TRUE(refusal("\"\xff\"").starts_with("body: invalid JSON"));
  EXPECT_TRUE(refusal("[]").find("is not a mapping type") != std::string::npos);
  EXPECT_TRUE(refusal(R"({"data":[]})").find("is not a mapping type") != std::string::npos);
  EXPECT_TRUE(refusal(R"({"data":null})").find("is not a mapping type") != std::string::npos);
  EXPECT_TRUE(refusal(R"({"permissions":[]})").find("is not a mapping type") != std::string::npos);
}

TEST(KintoBody, refuses_deep_nesting) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_NE(refusal(R"({"data":{"a":)" + deep + "}}").find("nested too deeply"), std::string::npos);
}

TEST(KintoBody, refuses_unknown_keys) {
  EXPECT_TRUE(refusal(R"({"date":{}})").starts_with("Unrecognized keys in mapping: \"date\""));
}

TEST(KintoBody, refuses_permissions_that_the_resource_does_not_have) {
  EXPECT_EQ(refusal(R"({"permissions":{"record:create":[]}})"),
            "permissions in body: \"record:create\" is not one of read, write");
  EXPECT_EQ(refusal(R"({"permissions":{"record:create":[]}})", ResourceKind::collection),
            "accepted");
}

TEST(KintoBody, refuses_principals_that_are_no_strings) {
  EXPECT_EQ(refusal(R"({"permissions":{"read":"x"}})"),
            "permissions.read in body: \"\"x\"\" is not iterable");
  EXPECT_EQ(refusal(R"({"permissions":{"read":[1]}})"),
            "permissions.read.0 in body: 1 is not a string");
}

TEST(KintoBody, takes_ids_of_the_right_form) {
  EXPECT_EQ(read_posted_id(Object{{"id", "a-1"}}).value(), "a-1");
  EXPECT_EQ(read_posted_id(Object{}).value(), std::nullopt);
  EXPECT_EQ(read_posted_id(Object{{"id", 1}}).error().message, "path: Invalid object id");
  EXPECT_FALSE(read_posted_id(Object{{"id", "a b"}}).has_value());
  EXPECT_TRUE(check_same_id(Object{{"id", "a"}}, "a").has_value());
  EXPECT_TRUE(check_same_id(Object{}, "a").has_value());
  EXPECT_EQ(check_same_id(Object{{"id", "b"}}, "a").error().message,
            "Object id does not match existing object");
}

TEST(KintoBody, forces_timestamps_that_are_integers_only) {
  Object data{{"last_modified", 12}, {"a", 1}};
  EXPECT_EQ(take_forced_timestamp(data), 12);
  EXPECT_EQ(data, (Object{{"a", 1}}));
  for (const Value& other : {Value("12"), Value(1.5), Value()}) {
    Object wrong{{"last_modified", other}};
    EXPECT_EQ(take_forced_timestamp(wrong), std::nullopt);
    EXPECT_TRUE(wrong.empty());
  }
}

TEST(KintoBody, refuses_fields_that_cannot_be_stored) {
  EXPECT_FALSE(
      check_data(Object{{"a", Array{Value(std::string("x\0", 2))}}}, ResourceKind::record));
  EXPECT_FALSE(check_data(Object{{std::string("x\0", 2), 1}}, ResourceKind::record));
  EXPECT_TRUE(check_data(Object{{"cache_expires", "x"}}, ResourceKind::record));
  EXPECT_FALSE(check_data(Object{{"cache_expires", "x"}}, ResourceKind::collection));
}

TEST(KintoBody, negotiates_content_types) {
  EXPECT_EQ(check_content_type("application/json; charset=utf-8", false).value(),
            PatchKind::shallow);
  EXPECT_EQ(check_content_type(std::nullopt, false).value(), PatchKind::shallow);
  EXPECT_EQ(check_content_type("application/merge-patch+json", true).value(), PatchKind::merge);
  EXPECT_EQ(check_content_type("Application/JSON-patch+json", true).value(), PatchKind::json_patch);
  EXPECT_EQ(check_content_type("application/merge-patch+json", false).error().status, 415);
  EXPECT_EQ(check_content_type("text/plain", true).error().status, 415);
}

TEST(KintoBody, negotiates_accepted_types) {
  for (const std::string_view accept : {"", "*/*", "application/json", "application/*;q=0.5",
                                        "text/html, application/json;q=0.9"}) {
    EXPECT_TRUE(check_accept(accept).has_value()) << accept;
  }
  EXPECT_TRUE(check_accept(std::nullopt).has_value());
  EXPECT_EQ(check_accept("text/html").error().status, 406);
  EXPECT_EQ(check_accept("application/json;q=0").error().status, 406);
}

// --- batch ---

Checked<std::vector<BatchItem>> batch(std::string_view text) {
  return read_batch(parse_body(text).value(), 3);
}

std::string batch_refusal(std::string_view text) {
  const auto items = batch(text);
  return items ? "accepted" : items.error().message;
}

TEST(KintoBatch, merges_defaults_under_each_request) {
  const auto items = batch(R"({
    "defaults": {"method": "POST", "path": "/a", "headers": {"A": "1", "B": "1"},
                 "body": {"data": {"x": 1}}},
    "requests": [{}, {"path": "/b", "headers": {"B": "2"}, "body": {"data": {"y": 2}}}]})");
  ASSERT_TRUE(items.has_value()) << items.error().message;
  EXPECT_EQ((*items)[0].path, "/a");
  EXPECT_EQ((*items)[0].method, "POST");
  EXPECT_EQ((*items)[1].path, "/b");
  EXPECT_EQ((*items)[1].body->to_json(), R"({"data":{"y":2,"x":1}})");
  const std::vector<std::pair<std::string, std::string>> headers = {{"B", "2"}, {"A", "1"}};
  EXPECT_EQ((*items)[1].headers, headers);
}

TEST(KintoBatch, gets_by_default) {
  EXPECT_EQ(batch(R"({"requests":[{"path":"/"}]})")->front().method, "GET");
  EXPECT_TRUE(batch(R"({"requests":[]})")->empty());
}

TEST(KintoBatch, refuses_what_the_contract_refuses) {
  EXPECT_EQ(batch_refusal("{}"), "requests in body: Required");
  EXPECT_EQ(batch_refusal(R"({"requests":[{}]})"), "requests.0.path in body: Required");
  EXPECT_EQ(batch_refusal(R"({"requests":[{"path":"a"}]})"),
            "requests.0.path in body: String does not match expected pattern");
  EXPECT_EQ(batch_refusal(R"({"requests":[{"path":"/v1/batch"}]})"),
            "requests in body: Recursive call on /batch endpoint is forbidden.");
  EXPECT_EQ(batch_refusal(R"({"requests":[{"path":"/"},{"path":"/"},{"path":"/"},{"path":"/"}]})"),
            "Number of requests is limited to 3");
  EXPECT_NE(batch_refusal(R"({"requests":[{"path":"/","body":[]}]})")
                .find("requests.0.body in body: \"[]\" is not a mapping type"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[{"path":"/","method":"EAT"}]})").find("is not one of"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[{"path":"/","headers":{"A":1}}]})")
                .find("contains non string value"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[{"path":"/","more":1}]})").find("Unrecognized keys"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[],"more":1})").find("Unrecognized keys"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[],"defaults":[]})").find("is not a mapping"),
            std::string::npos);
  EXPECT_NE(batch_refusal(R"({"requests":[1]})").find("is not a mapping"), std::string::npos);
}

TEST(KintoBatch, splices_the_answers) {
  std::string out;
  append_batch_answer(out, "/v1/", 200, {{"ETag", "\"1\""}}, "{\"a\":1}");
  EXPECT_EQ(out, R"({"path":"/v1/","status":200,"headers":{"ETag":"\"1\""},"body":{"a":1}})");
  out.clear();
  append_batch_answer(out, "/v1/", 304, {}, "");
  EXPECT_EQ(out, R"({"path":"/v1/","status":304,"headers":{},"body":""})");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
