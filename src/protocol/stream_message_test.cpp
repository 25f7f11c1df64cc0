#include "protocol/stream_message.h"

#include <fstream>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "base/json.h"

namespace tombolo::protocol {
namespace {

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

// The frame that we would send; empty for messages that we only read.
std::string encoded(const StreamMessage& message) {
  return std::visit(
      [](const auto& alternative) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(alternative)>, SideMessage>) {
          return {};
        } else {
          return encode(alternative);
        }
      },
      message);
}

TEST(StreamMessage, ReadsAndWritesEveryMessageOfTheVectors) {
  const Value vectors = read_vectors("wire-json.json");
  for (const Value& vector : elements(vectors["messages"])) {
    const std::string name(vector["name"].as_string());
    const std::string_view text = vector["text"].as_string();
    const Result<StreamMessage> message = parse_stream_message(text);
    ASSERT_TRUE(message) << name << ": " << message.error().message;
    const std::string frame = encoded(*message);
    if (frame.empty()) continue;
    EXPECT_EQ(*Value::parse(frame), *Value::parse(text)) << name << "\n" << frame;
  }
}

TEST(StreamMessage, AcceptsAndRejectsTheFramesOfTheVectors) {
  const Value vectors = read_vectors("wire-json.json");
  for (const Value& vector : elements(vectors["frames"])) {
    const std::string_view text = vector["text"].as_string();
    EXPECT_EQ(parse_stream_message(text).has_value(), vector["accepted"].as_bool()) << text;
  }
}

TEST(StreamMessage, SplicesOperationsUntouched) {
  OperationBatch batch;
  batch.message_id = "m";
  batch.operations = {R"({"id" : 1})", R"({"x":[{"y":"]}"}]})"};
  batch.is_final = true;
  batch.base_delivery_sequence = 3;
  batch.max_delivery_sequence = 5;
  batch.proof = Proof{"ff", 5};
  const std::string frame = encode(batch);
  const Result<StreamMessage> back = parse_stream_message(frame);
  ASSERT_TRUE(back);
  const auto& read = std::get<OperationBatch>(*back);
  EXPECT_EQ(read.operations, batch.operations);
  EXPECT_EQ(read.proof, batch.proof);
  EXPECT_EQ(read.max_delivery_sequence, 5);
}

TEST(StreamMessage, TellsAnUnknownTypeFromABrokenMessage) {
  EXPECT_EQ(parse_stream_message(R"({"type":"ping","messageId":"x"})").error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(parse_stream_message(R"({"type":"ping"})").error().code, ErrorCode::protocol);
  EXPECT_EQ(parse_stream_message("{").error().code, ErrorCode::invalid_data);
  const auto error =
      parse_stream_message(R"({"type":"acknowledgment","messageId":"x","acknowledgedMessageId":3,)"
                           R"("lastSequenceNumber":1})");
  EXPECT_NE(error.error().message.find("acknowledgedMessageId"), std::string::npos);
}

TEST(StreamMessage, BoundsTheFieldsOfAMessage) {
  std::string frame = R"({"type":"ping","messageId":"x")";
  for (int field = 0; field < 1000; ++field) frame += ",\"f" + std::to_string(field) + "\":0";
  EXPECT_EQ(parse_stream_message(frame + "}").error().code, ErrorCode::protocol);
}

TEST(StreamMessage, LeavesNestingToTheReaderOfTheOperation) {
  const std::string deep(100'000, '[');
  EXPECT_FALSE(parse_stream_message(
      R"({"type":"operation-batch","messageId":"x","isFinal":true,"batchIndex":0,"operations":[)" +
      deep));
  EXPECT_FALSE(parse_stream_message(R"({"type":"x","messageId":"x","y":)" + deep));
}

RC_GTEST_PROP(StreamMessage, NeverBreaksOnGarbage, (const std::string& text, std::uint16_t at)) {
  (void)parse_stream_message(text);
  std::string frame =
      R"({"type":"operation-batch","messageId":"x","operations":[{"a":"\""},[]],"isFinal":true,)"
      R"("batchIndex":0})";
  frame.insert(at % frame.size(), text);
  (void)parse_stream_message(frame);
}

TEST(DeltaCursor, EncodesAndDecodesTheVectors) {
  const Value vectors = read_vectors("delta-cursor.json");
  for (const Value& vector : elements(vectors["encode"])) {
    const DeltaCursor cursor{std::string(vector["cursor"]["lastOperationId"].as_string()),
                             vector["cursor"]["batchIndex"].as_integer()};
    EXPECT_EQ(encode_delta_cursor(cursor), vector["encoded"].as_string());
    EXPECT_EQ(parse_delta_cursor(vector["encoded"].as_string()), cursor);
  }
  for (const Value& vector : elements(vectors["decodeBad"])) {
    EXPECT_EQ(parse_delta_cursor(vector["encoded"].as_string()), std::nullopt);
  }
}

}  // namespace
}  // namespace tombolo::protocol
