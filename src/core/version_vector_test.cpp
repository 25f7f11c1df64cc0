// Version vectors, by the vectors of the original.
#include "core/version_vector.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "core/test_vectors.h"

namespace tombolo::core {
namespace {

using testing::elements;
using testing::read_vectors;

VersionVector vector_of(const Value& value) {
  return parse_version_vector(value).value();
}

TEST(VersionVectorVectors, MergeDominateAndCompareAsTheOriginal) {
  const Value vectors = read_vectors("version-vectors.json");
  ASSERT_EQ(vectors["merge"].size(), 7U);
  for (const Value& vector : elements(vectors["merge"])) {
    EXPECT_EQ(merge(vector_of(vector["a"]), vector_of(vector["b"])), vector_of(vector["out"]));
    EXPECT_EQ(merge(vector_of(vector["b"]), vector_of(vector["a"])), vector_of(vector["out"]));
  }
  ASSERT_EQ(vectors["dominates"].size(), 7U);
  for (const Value& vector : elements(vectors["dominates"])) {
    const VersionVector a = vector_of(vector["a"]);
    const VersionVector b = vector_of(vector["b"]);
    EXPECT_EQ(dominates(a, b), vector["aDominatesB"].as_bool()) << vector.to_json();
    EXPECT_EQ(dominates(b, a), vector["bDominatesA"].as_bool()) << vector.to_json();
  }
  ASSERT_EQ(vectors["equal"].size(), 7U);
  for (const Value& vector : elements(vectors["equal"])) {
    EXPECT_EQ(vector_of(vector["a"]) == vector_of(vector["b"]), vector["equal"].as_bool());
  }
}

TEST(VersionVectorVectors, ReadBackFromTheirObject) {
  const Value vectors = read_vectors("version-vectors.json");
  ASSERT_EQ(vectors["serialize"].size(), 8U);
  for (const Value& vector : elements(vectors["serialize"])) {
    const VersionVector parsed = vector_of(vector["vector"]);
    Array pairs;
    for (const Member& member : to_object(parsed)) {
      pairs.push_back(Array{member.key, member.value});
    }
    EXPECT_EQ(Value(pairs).to_json(), vector["string"].as_string());
    EXPECT_EQ(vector_of(to_object(parsed)), parsed);
  }
}

TEST(VersionVectorVectors, MissingNamesWhatTheRemoteLacks) {
  const Value vectors = read_vectors("version-vectors.json");
  ASSERT_EQ(vectors["delta"].size(), 7U);
  for (const Value& vector : elements(vectors["delta"])) {
    std::set<std::string> expected;
    for (const Value& id : elements(vector["operationIds"])) expected.emplace(id.as_string());
    std::set<std::string> lacking;
    for (const auto& range : missing(vector_of(vector["local"]), vector_of(vector["remote"]))) {
      for (const Value& operation : elements(vectors["log"])) {
        const std::int64_t number = operation["sequenceNumber"].as_integer();
        if (operation["nodeId"].as_string() == range.node && number >= range.first &&
            number <= range.last) {
          lacking.emplace(operation["id"].as_string());
        }
      }
    }
    EXPECT_EQ(lacking, expected) << vector.to_json();
  }
}

TEST(VersionVector, IsAMaximum) {
  VersionVector vector;
  EXPECT_EQ(seen(vector, "a"), 0);
  observe(vector, "a", 7);
  observe(vector, "a", 3);
  EXPECT_EQ(seen(vector, "a"), 7);
}

TEST(VersionVector, RefusesWhatIsNone) {
  for (const char* text : {"[]", "null", R"({"a":-1})", R"({"a":1.5})", R"({"a":"1"})"}) {
    const auto parsed = parse_version_vector(Value::parse(text).value());
    EXPECT_FALSE(parsed) << text;
  }
}

}  // namespace
}  // namespace tombolo::core
