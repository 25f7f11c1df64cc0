// Operations: their content hash as the original computes it, and the rules for making one.
#include "core/operation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "core/test_vectors.h"

namespace tombolo::core {
namespace {

using testing::elements;
using testing::operation_of;
using testing::read_vectors;

TEST(OperationVectors, HaveTheIdsOfTheOriginal) {
  const Value vectors = read_vectors("op-hash.json");
  ASSERT_EQ(vectors["vectors"].size(), 60U);
  for (const Value& vector : elements(vectors["vectors"])) {
    SCOPED_TRACE(vector["name"].as_string());
    Operation operation = *operation_of(vector["input"]);
    if (vector["dataJson"].is_string()) {
      operation.data =
          testing::optional_object(Value::parse(vector["dataJson"].as_string()).value());
    }
    EXPECT_EQ(format_timestamp(operation.timestamp).value(), vector["hlc"].as_string());
    std::string canonical;
    ASSERT_TRUE(operation_digest(operation, canonical));
    EXPECT_EQ(canonical, vector["canonical"].as_string());
    EXPECT_EQ(operation_id(operation).value(), vector["id"].as_string());
  }
}

TEST(OperationVectors, FollowTheRulesOfTheOriginal) {
  const Value vectors = read_vectors("op-hash.json");
  ASSERT_EQ(vectors["validation"].size(), 12U);
  for (const Value& vector : elements(vectors["validation"])) {
    const auto operation = operation_of(vector["input"]);  // nothing: an unknown type
    const bool valid = operation && check_operation(*operation);
    EXPECT_EQ(valid, vector["error"].is_null()) << vector.to_json();
  }
}

TEST(CanonicalJsonVectors, AreTheTextThatIsHashed) {
  const Value vectors = read_vectors("canonical-json.json");
  ASSERT_EQ(vectors["cases"].size(), 77U);
  for (const Value& vector : elements(vectors["cases"])) {
    const Result<Value> value = Value::parse(vector["json"].as_string());
    ASSERT_TRUE(value) << vector["json"].as_string();
    const std::string text = canonical_json(*value);
    EXPECT_EQ(text, vector["canonical"].as_string());
    EXPECT_EQ(from_hex(vector["utf8Hex"].as_string()), text);
  }
}

TEST(Operation, HasNoIdWithoutAProperTimestamp) {
  Operation operation;
  operation.timestamp.wall_ms = -1;
  EXPECT_EQ(operation_id(operation).error().code, ErrorCode::invalid_argument);
}

TEST(Operation, IdLeavesOurExtensionsOut) {
  Operation operation;
  operation.data = Object{{"title", "x"}};
  const std::string id = operation_id(operation).value();
  operation.removed = {"note"};
  operation.base_version = "000000000000001:00000:a";
  EXPECT_EQ(operation_id(operation).value(), id);
}

TEST(Operation, NamesReadBack) {
  for (auto type : {OperationType::insert, OperationType::update, OperationType::remove}) {
    EXPECT_EQ(operation_type_named(name_of(type)), type);
  }
  for (auto kind : {AtomicKind::increment, AtomicKind::max, AtomicKind::min, AtomicKind::append,
                    AtomicKind::remove}) {
    EXPECT_EQ(atomic_kind_named(name_of(kind)), kind);
  }
  EXPECT_FALSE(operation_type_named("upsert"));
  EXPECT_FALSE(atomic_kind_named("decrement"));
}

TEST(Operation, OrderIsByTimestampThenId) {
  Operation first;
  first.timestamp = {5, 0, "a"};
  first.id = "b";
  Operation second = first;
  second.id = "c";
  EXPECT_TRUE(happens_before(first, second));
  EXPECT_FALSE(happens_before(second, first));
  EXPECT_FALSE(happens_before(first, first));
  second.timestamp.wall_ms = 4;
  EXPECT_TRUE(happens_before(second, first));
}

TEST(EncryptedEnvelope, NeedsAllFiveMembers) {
  const Object envelope{{"__kora_e2e_encrypted", true},
                        {"v", 1},
                        {"iv", "AAAA"},
                        {"ct", "AAAA"},
                        {"alg", "aes-256-gcm"}};
  EXPECT_TRUE(is_encrypted(envelope));
  for (const Member& member : envelope) {
    Object incomplete = envelope;
    incomplete.erase(member.key);
    EXPECT_FALSE(is_encrypted(incomplete)) << member.key;
  }
}

RC_GTEST_PROP(CanonicalJsonProperty, ReadingItBackGivesTheSameText, ()) {
  Object object;
  const auto count = *rc::gen::inRange(0, 8);
  for (int index = 0; index < count; ++index) {
    const std::string key = *rc::gen::element<std::string>(
        "a", "b", "", "10", "9", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xee\x80\x80", "\xed\xa0\x80");
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        object.set(key, *rc::gen::arbitrary<double>());
        break;
      case 1:
        object.set(key, *rc::gen::arbitrary<std::int64_t>());
        break;
      case 2:
        object.set(key, *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)));
        break;
      case 3:
        object.set(key, Value(Array{Value(object), nullptr, true}));
        break;
      default:
        object.set(key, Value(object));
    }
  }
  const std::string text = canonical_json(object);
  const Result<Value> again = Value::parse(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(canonical_json(*again) == text);
}

}  // namespace
}  // namespace tombolo::core
