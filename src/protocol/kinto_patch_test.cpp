#include "protocol/kinto_patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::protocol::kinto {
namespace {

std::string merged(std::string_view target, std::string_view patch) {
  Object object = *Value::parse(target)->if_object();
  merge_patch(object, *Value::parse(patch)->if_object());
  return Value(object).to_json();
}

TEST(KintoPatch, a_shallow_merge_keeps_null) {
  Object object{{"a", {{"b", 1}}}, {"c", 2}};
  shallow_merge(object, Object{{"a", {{"d", 3}}}, {"c", nullptr}});
  EXPECT_EQ(Value(object).to_json(), R"({"a":{"d":3},"c":null})");
}

// The examples of RFC 7396 appendix A that concern objects.
TEST(KintoPatch, a_merge_patch_follows_rfc_7396) {
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), R"({})");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
  EXPECT_EQ(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

// --- JSON patch ---

std::string patched(std::string_view data, std::string_view patch) {
  const auto operations = parse_json_patch(Value::parse(patch).value());
  if (!operations) return operations.error().message;
  const auto document = apply_json_patch(
      patch_document(*Value::parse(data)->if_object(), {{"read", {}}, {"write", {"alice"}}}),
      *operations);
  return document ? document->to_json() : document.error().message;
}

std::string patched_data(std::string_view data, std::string_view patch) {
  const std::string text = patched(data, patch);
  const auto document = Value::parse(text);
  return document ? (*document)["data"].to_json() : text;
}

TEST(KintoJsonPatch, adds_replaces_and_removes) {
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"add","path":"/data/b","value":2}])"),
            R"({"a":1,"b":2})");
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"replace","path":"/data/a","value":[1]}])"),
            R"({"a":[1]})");
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"remove","path":"/data/a"}])"), R"({})");
}

TEST(KintoJsonPatch, works_inside_arrays) {
  EXPECT_EQ(patched_data(R"({"a":[1,3]})", R"([{"op":"add","path":"/data/a/1","value":2}])"),
            R"({"a":[1,2,3]})");
  EXPECT_EQ(patched_data(R"({"a":[1]})", R"([{"op":"add","path":"/data/a/-","value":2}])"),
            R"({"a":[1,2]})");
  EXPECT_EQ(patched_data(R"({"a":[1,2]})", R"([{"op":"remove","path":"/data/a/0"}])"),
            R"({"a":[2]})");
}

TEST(KintoJsonPatch, moves_and_copies) {
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"move","from":"/data/a","path":"/data/b"}])"),
            R"({"b":1})");
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"copy","from":"/data/a","path":"/data/b"}])"),
            R"({"a":1,"b":1})");
}

TEST(KintoJsonPatch, bounds_how_large_and_deep_a_patch_makes_a_document) {
  std::string doubling = R"([{"op":"add","path":"/data/a","value":"12345678"})";
  for (int count = 0; count < 40; ++count) {
    const std::string number = std::to_string(count);
    doubling += R"(,{"op":"copy","from":"/data","path":"/data/b)" + number + "\"}";
  }
  EXPECT_THAT(patched("{}", doubling + "]"), testing::HasSubstr("too large"));

  std::string nesting = R"([{"op":"add","path":"/data/a","value":{}})";
  std::string path = "/data/a";
  for (int count = 0; count < 40; ++count) {
    nesting += R"(,{"op":"copy","from":"/data/a","path":")" + path + "/a\"}";
    path += path.substr(5);
    if (path.size() > 10'000) break;
  }
  EXPECT_THAT(patched("{}", nesting + "]"), testing::HasSubstr("too deeply"));
}

TEST(KintoJsonPatch, unescapes_pointers) {
  EXPECT_EQ(patched_data(R"({})", R"([{"op":"add","path":"/data/a~1b~0c","value":1}])"),
            R"({"a/b~c":1})");
}

TEST(KintoJsonPatch, fails_with_a_reason) {
  const auto fails = [](std::string_view patch) {
    return patched(R"({"a":[1]})", patch).starts_with("body: JSON Patch operation failed: ");
  };
  EXPECT_TRUE(fails(R"([{"op":"test","path":"/data/a","value":2}])"));
  EXPECT_TRUE(fails(R"([{"op":"remove","path":"/data/b"}])"));
  EXPECT_TRUE(fails(R"([{"op":"replace","path":"/data/b","value":1}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/data/b/c","value":1}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/data/a/5","value":1}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/data/a/01","value":1}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/data/b"}])"));
  EXPECT_TRUE(fails(R"([{"op":"move","from":"/data/a","path":"/data/a/0"}])"));
  EXPECT_TRUE(fails(R"([{"op":"remove","path":"/data"}])"));
  EXPECT_TRUE(fails(R"([{"op":"replace","path":"/data","value":1}])"));
  EXPECT_TRUE(fails(R"([{"op":"replace","path":"/permissions","value":[]}])"));
  EXPECT_TRUE(fails(R"([{"op":"replace","path":"/permissions/read","value":["bob"]}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/permissions/read/"}])"));
  EXPECT_TRUE(fails(R"([{"op":"add","path":"/permissions/read/a\u0000"}])"));
  EXPECT_EQ(patched(R"({})", R"([{"op":"test","path":"/data/a","value":1}])"),
            "body: JSON Patch operation failed: there is nothing at /data/a");
}

TEST(KintoJsonPatch, passes_a_test_that_holds) {
  EXPECT_EQ(patched_data(R"({"a":1})", R"([{"op":"test","path":"/data/a","value":1}])"),
            R"({"a":1})");
}

TEST(KintoJsonPatch, changes_permissions_as_maps) {
  const auto operations = parse_json_patch(
      Value::parse(R"([{"op":"add","path":"/permissions/read/~1buckets~1b~1groups~1g"},
                       {"op":"remove","path":"/permissions/write/alice"}])")
          .value());
  ASSERT_TRUE(operations.has_value());
  const auto document = apply_json_patch(
      patch_document(Object(), {{"read", {}}, {"write", {"alice", "bob"}}}), *operations);
  ASSERT_TRUE(document.has_value());
  const auto permissions = permissions_of_document(*document);
  ASSERT_EQ(permissions.size(), 2u);
  EXPECT_EQ(permissions[0].principals, std::vector<std::string>{"/buckets/b/groups/g"});
  EXPECT_EQ(permissions[1].principals, std::vector<std::string>{"bob"});
}

TEST(KintoJsonPatch, refuses_operations_of_another_form) {
  EXPECT_NE(patched("{}", R"({"op":"add"})").find("is not iterable"), std::string::npos);
  EXPECT_EQ(patched("{}", R"([{"op":"eat","path":"/data/a"}])"),
            "0.op in body: \"eat\" is not one of test, add, remove, replace, move, copy");
  EXPECT_EQ(patched("{}", R"([{"op":"add"}])"), "0.path in body: Required");
  EXPECT_EQ(patched("{}", R"([{"path":"/data"}])"), "0.op in body: Required");
  EXPECT_EQ(patched("{}", R"([{"op":"move","path":"/data/a"}])"), "0.from in body: Required");
  EXPECT_NE(patched("{}", R"([{"op":"add","path":"/data/a","value":1,"more":1}])")
                .find("Unrecognized keys"),
            std::string::npos);
  EXPECT_NE(patched("{}", R"([{"op":"add","path":"data","value":1}])").find("expected pattern"),
            std::string::npos);
  EXPECT_NE(patched("{}", "[1]").find("is not a mapping type"), std::string::npos);
}

// --- answers ---

TEST(KintoResponseBehavior, shows_all_or_what_changed_or_what_differs) {
  const Object before{{"a", 1}, {"b", 1}, {"c", 1}};
  const Object after{{"a", 2}, {"b", 1}, {"c", 5}};
  const Object sent{{"a", 2}, {"b", 1}, {"c", 3}};
  EXPECT_EQ(patched_answer(ResponseBehavior::full, before, after, sent), after);
  EXPECT_EQ(patched_answer(ResponseBehavior::light, before, after, sent),
            (Object{{"a", 2}, {"c", 5}}));
  EXPECT_EQ(patched_answer(ResponseBehavior::diff, before, after, sent), (Object{{"c", 5}}));
}

TEST(KintoResponseBehavior, is_one_of_three) {
  EXPECT_EQ(parse_response_behavior(std::nullopt).value(), ResponseBehavior::full);
  EXPECT_EQ(parse_response_behavior("light").value(), ResponseBehavior::light);
  EXPECT_FALSE(parse_response_behavior("heavy").has_value());
}

}  // namespace
}  // namespace tombolo::protocol::kinto
