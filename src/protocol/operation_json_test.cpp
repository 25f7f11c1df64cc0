#include "protocol/operation_json.h"

#include <fstream>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "base/json.h"

namespace tombolo::protocol {
namespace {

using core::Operation;

Value read_vectors(const std::string& name) {
  std::ifstream file(std::string(TOMBOLO_TEST_DATA) + "/kora/" + name);
  std::stringstream text;
  text << file.rdbuf();
  Result<Value> value = Value::parse(text.str());
  EXPECT_TRUE(value) << name;
  return value ? *value : Value();
}

const Array& elements(const Value& value) {
  static const Array none;
  return value.if_array() != nullptr ? *value.if_array() : none;
}

Operation sample() {
  Operation operation;
  operation.node = "node-a";
  operation.type = core::OperationType::update;
  operation.collection = "todos";
  operation.record = "rec-1";
  operation.data = Object{{"title", "é😀"}, {"count", 3}};
  operation.previous_data = Object{{"title", nullptr}, {"count", 2}};
  operation.timestamp = {1'700'000'000'000, 4, "node-a"};
  operation.sequence_number = 7;
  operation.causal_dependencies = {std::string(64, 'a')};
  operation.schema_version = 2;
  operation.atomic = {{"count", {core::AtomicKind::increment, 1}}};
  operation.transaction_id = "t";
  operation.mutation_name = "m";
  operation.removed = {"old"};
  operation.base_version = "001699999999999:00000:node-b";
  operation.id = *core::operation_id(operation);
  return operation;
}

TEST(OperationJson, KeepsEveryFieldOverAJourney) {
  const Operation operation = sample();
  const Result<Operation> back = parse_operation_json(operation_json(operation));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, operation);
  EXPECT_TRUE(verify_operation_id(*back));
}

TEST(OperationJson, WritesAndReadsEveryOperationOfTheVectors) {
  const Value vectors = read_vectors("wire-json.json");
  int count = 0;
  for (const Value& message : elements(vectors["messages"])) {
    for (const Value& wire : elements(message["decoded"]["operations"])) {
      const Result<Operation> operation = parse_operation_json(wire.to_json());
      ASSERT_TRUE(operation) << wire.to_json() << operation.error().message;
      EXPECT_EQ(*Value::parse(operation_json(*operation)), wire);
      EXPECT_TRUE(verify_operation_id(*operation)) << wire.to_json();
      ++count;
    }
  }
  EXPECT_GE(count, 6);
}

TEST(OperationJson, AgreesWithEveryHashOfTheVectors) {
  const Value vectors = read_vectors("op-hash.json");
  for (const Value& vector : elements(vectors["vectors"])) {
    Value wire = vector["input"];
    // Numbers that JSON cannot write stand in a text of their own.
    if (vector["dataJson"].is_string())
      wire["data"] = *Value::parse(vector["dataJson"].as_string());
    wire["id"] = vector["id"];
    const Result<Operation> operation = parse_operation_json(wire.to_json());
    ASSERT_TRUE(operation) << vector["name"].to_json() << operation.error().message;
    EXPECT_TRUE(verify_operation_id(*operation)) << vector["name"].to_json();
  }
}

TEST(OperationJson, ReadsTheWiresBytesAsTaggedBytes) {
  Operation operation = sample();
  std::string json = operation_json(operation);
  const std::string_view data = R"("data":{"title":)";
  json.replace(json.find(data), data.size(),
               R"("data":{"body":{"__kora_bytes__":"AQL/"},"title":)");
  const Result<Operation> back = parse_operation_json(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ((*back->data->find("body"))["$koraBytes"].as_string(), "AQL/");
}

TEST(OperationJson, TakesTheHashOfARawByteArrayForTheSameBytes) {
  Operation operation = sample();
  operation.data = Object{{"body", {{"0", 1}, {"1", 2}, {"2", 255}}}};
  operation.id = *core::operation_id(operation);
  operation.data = Object{{"body", {{"$koraBytes", "AQL/"}}}};
  EXPECT_TRUE(verify_operation_id(operation));
}

TEST(OperationJson, KnowsAForgedId) {
  Operation operation = sample();
  operation.data->set("title", "forged");
  EXPECT_FALSE(verify_operation_id(operation));
  operation = sample();
  operation.id = "ABC";
  EXPECT_FALSE(verify_operation_id(operation));
}

TEST(OperationJson, CannotVerifyWhatIsEncryptedEndToEnd) {
  Operation operation = sample();
  operation.data = Object{
      {"__kora_e2e_encrypted", true}, {"v", 1}, {"iv", "a"}, {"ct", "b"}, {"alg", "aes-256-gcm"}};
  operation.id = std::string(64, '0');
  EXPECT_TRUE(verify_operation_id(operation));
}

TEST(OperationJson, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, Value> changes[] = {{"id", 1},
                                                   {"nodeId", nullptr},
                                                   {"type", "merge"},
                                                   {"collection", 1},
                                                   {"recordId", {}},
                                                   {"data", 1},
                                                   {"previousData", "x"},
                                                   {"timestamp", 1},
                                                   {"sequenceNumber", "1"},
                                                   {"sequenceNumber", 1.5},
                                                   {"causalDeps", Array{1}},
                                                   {"causalDeps", 1},
                                                   {"schemaVersion", "1"},
                                                   {"atomicOps", 1},
                                                   {"transactionId", 1},
                                                   {"mutationName", 1},
                                                   {"removed", 1},
                                                   {"baseVersion", 1}};
  for (const auto& [field, value] : changes) {
    Value wire = *Value::parse(operation_json(sample()));
    wire[field] = value;
    const Result<Operation> operation = parse_operation_json(wire.to_json());
    ASSERT_FALSE(operation) << field;
    EXPECT_EQ(operation.error().code, ErrorCode::invalid_data);
    EXPECT_NE(operation.error().message.find(field), std::string::npos)
        << operation.error().message;
  }
}

TEST(OperationJson, RefusesStampsOutOfRange) {
  for (const auto& [field, value] : {std::pair<const char*, Value>{"wallTime", -1},
                                     {"wallTime", 1e15},
                                     {"wallTime", 0.5},
                                     {"logical", 100'000},
                                     {"logical", "0"},
                                     {"nodeId", ""}}) {
    Value wire = *Value::parse(operation_json(sample()));
    wire["timestamp"][field] = value;
    const Result<Operation> operation = parse_operation_json(wire.to_json());
    ASSERT_FALSE(operation) << field;
    EXPECT_NE(operation.error().message.find(std::string("timestamp.") + field), std::string::npos);
  }
}

TEST(OperationJson, SaysWhatIsMissing) {
  for (const char* field :
       {"id", "nodeId", "type", "collection", "recordId", "timestamp", "sequenceNumber"}) {
    Value wire = *Value::parse(operation_json(sample()));
    wire.if_object()->erase(field);
    const Result<Operation> operation = parse_operation_json(wire.to_json());
    ASSERT_FALSE(operation) << field;
    EXPECT_NE(operation.error().message.find(field), std::string::npos);
  }
}

RC_GTEST_PROP(OperationJson, NeverBreaksOnGarbage, (const std::string& text, std::uint8_t cut)) {
  (void)parse_operation_json(text);
  std::string json = operation_json(sample());
  json.resize(json.size() * cut / 256);
  RC_ASSERT(!parse_operation_json(json).has_value());
}

}  // namespace
}  // namespace tombolo::protocol
