#include "base/json.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "base/text.h"

namespace tombolo {
namespace {

using ::testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string hex_of(const std::string& text) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string round_trip(const std::string& text) {
  const auto value = parse_json(text);
  return value ? value->to_json() : value.error().message;
}

std::string error_of(const std::string& text) {
  const auto value = parse_json(text);
  return value ? "accepted as " + value->to_json() : value.error().message;
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

rc::Gen<Value> values(int depth) {
  const auto string = rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
          "a", "\"", "\\", "\n", "\x01", "\x7f", "\xC3\xA9", "\xEF\xBC\xA1", "\xF0\x9F\x98\x80")),
      [](const std::vector<std::string>& parts) {
        std::string joined;
        for (const std::string& part : parts) joined += part;
        return joined;
      });
  auto scalar = rc::gen::oneOf(
      rc::gen::just(Value()),
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value(b); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return Value(n); }),
      rc::gen::map(string, [](const std::string& s) { return Value(s); }));
  if (depth == 0) return scalar;
  const auto array = rc::gen::map(rc::gen::scale(0.3, rc::gen::container<Array>(values(depth - 1))),
                                  [](const Array& elements) { return Value(elements); });
  const auto object = rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, Value>>>(
                                       rc::gen::pair(string, values(depth - 1))),
                                   [](const std::vector<std::pair<std::string, Value>>& members) {
                                     Object made;
                                     for (const auto& [key, value] : members) made.set(key, value);
                                     return Value(made);
                                   });
  return rc::gen::oneOf(scalar, array, object);
}

TEST(JsonReader, ReadsEveryKindOfValue) {
  EXPECT_EQ(round_trip(" { \"a\" : [ 1 , -2.5e0 , true , false , null , \"x\" , { } , [ ] ] } \n"),
            R"({"a":[1,-2.5,true,false,null,"x",{},[]]})");
}

TEST(JsonReader, KeepsIntegersOf64BitsAndTurnsLargerOnesIntoDoubles) {
  EXPECT_EQ(round_trip("[9223372036854775807,-9223372036854775808]"),
            "[9223372036854775807,-9223372036854775808]");
  EXPECT_TRUE(parse_json("9223372036854775808")->is_number());
  EXPECT_FALSE(parse_json("9223372036854775808")->is_integer());
  EXPECT_EQ(round_trip("9223372036854775808"), "9223372036854776000");
  EXPECT_TRUE(std::signbit(parse_json("-0")->as_number()));
}

TEST(JsonReader, TakesNumbersBeyondADoubleAsJavaScriptDoes) {
  EXPECT_TRUE(std::isinf(parse_json("1e400")->as_number()));
  EXPECT_EQ(parse_json("1e-400")->as_number(), 0.0);
  EXPECT_EQ(parse_json("5e-324")->as_number(), 5e-324);
  EXPECT_EQ(round_trip("1e400"), "null");
  EXPECT_TRUE(std::isinf(parse_json("1e" + std::string(100'000, '9'))->as_number()));
}

TEST(JsonReader, LastOfRepeatedKeysWinsInSmallAndLargeObjects) {
  EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
  std::string large = "{";
  for (int key = 0; key < 40; ++key) large += "\"k" + std::to_string(key) + "\":0,";
  for (const char* last : {"\"k0\":1,", "\"k20\":1,", "\"k39\":1}"}) large += last;
  const auto value = parse_json(large);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->size(), 40U);
  EXPECT_EQ((*value)["k0"].as_integer(), 1);
  EXPECT_EQ((*value)["k19"].as_integer(), 0);
  EXPECT_EQ((*value)["k20"].as_integer(), 1);
  EXPECT_EQ((*value)["k39"].as_integer(), 1);
}

TEST(JsonReader, ReadsEscapesAndKeepsLoneSurrogates) {
  EXPECT_EQ(parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00")")->as_string(),
            "\"\\/\b\f\n\r\tA\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(parse_json(R"("\u0000")")->as_string(), std::string(1, '\0'));
  for (const char* text :
       {R"("\ud800")", R"("\udc00\ud800")", R"("\ud800A")", R"("\ud800\ud83d\ude00")"}) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*parse_json(value->to_json()), *value) << text;
  }
  EXPECT_EQ(round_trip(R"("\uDC00\uD800")"), R"("\udc00\ud800")");
}

TEST(JsonReader, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "invalid JSON at byte 0: the text ends where a value was expected");
  EXPECT_EQ(error_of("[1,2"), "invalid JSON at byte 4: the text ends inside an array");
  EXPECT_EQ(error_of(R"({"a" 1})"), "invalid JSON at byte 5: expected ':' after a key");
  EXPECT_EQ(error_of("1 2"), "invalid JSON at byte 2: unexpected text after the value");
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  for (const char* text : {"nul",
                           "tru",
                           "True",
                           "nan",
                           "NaN",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x10",
                           "1_000",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{,}",
                           "{\"a\":1,}",
                           "{\"a\"}",
                           "{a:1}",
                           "{'a':1}",
                           "{1:2}",
                           "'a'",
                           "\"a",
                           "\"\\",
                           "\"\\x41\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\\u12\"",
                           "\"a\nb\"",
                           "\"a\tb\"",
                           "// c\n1",
                           "1 // c",
                           "[1]]",
                           "}",
                           "\xEF\xBB\xBF[]",
                           "\x0c[]",
                           "\xC2\xA0[]"}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::invalid_data) << text;
  }
  EXPECT_FALSE(parse_json(std::string_view("\"a\0b\"", 5)));
  EXPECT_FALSE(parse_json(std::string_view("1\0", 2)));
}

TEST(JsonReader, RefusesInvalidUtf8WhereverItStands) {
  for (const char* text : {"\"\x80\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
                           "\"\xE2\x82\"", "\"\xE2\\n\x82\xAC\"", "{\"\xFF\":1}", "\"\xE2"}) {
    EXPECT_FALSE(parse_json(text)) << hex_of(text);
  }
}

TEST(JsonReader, LimitsDepthAndSize) {
  EXPECT_TRUE(parse_json(nested(kJsonDepthLimit)));
  const auto deeper = parse_json(nested(kJsonDepthLimit + 1));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code, ErrorCode::limit_exceeded);
  const auto hostile = parse_json(std::string(1'000'000, '['));
  ASSERT_FALSE(hostile);
  EXPECT_EQ(hostile.error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(parse_json("[[]]", {.depth_limit = 2}));
  EXPECT_FALSE(parse_json("[[[]]]", {.depth_limit = 2}));
  EXPECT_TRUE(parse_json("[[],[],[[]]]", {.depth_limit = 3}));

  EXPECT_TRUE(parse_json("1234", {.size_limit_bytes = 4}));
  const auto larger = parse_json("12345", {.size_limit_bytes = 4});
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::limit_exceeded);
  EXPECT_THAT(larger.error().message, HasSubstr("limit is 4"));
}

// A text that ends anywhere is not read beyond its end (the sanitizers watch).
TEST(JsonReader, SurvivesEveryTruncation) {
  const std::string text =
      R"({"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00é"],"b":{"c":{}}})";
  ASSERT_TRUE(parse_json(text));
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::string cut = text.substr(0, length);
    EXPECT_FALSE(parse_json(cut)) << cut;
  }
}

RC_GTEST_PROP(JsonReader, AnswersForArbitraryBytes, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::arbitrary<char>(), rc::gen::element<char>('{', '}', '[', ']', '"', ':', ',', '\\',
                                                         'u', 'd', '8', '0', '-', 'e')));
  const auto value = parse_json(text);
  // Whatever is accepted is written as text that reads as the same value.
  if (value) RC_ASSERT(parse_json(value->to_json()).has_value());
}

RC_GTEST_PROP(JsonWriter, WritesWhatTheReaderReads, ()) {
  const Value value = *values(3);
  const auto again = parse_json(value.to_json());
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
}

// Character by character, as ECMAScript 2024, QuoteJSONString tells.
std::string quoted_slowly(const std::string& text) {
  std::string out = "\"";
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    const std::size_t named = std::string_view("\"\\\b\f\n\r\t").find(text[index]);
    char escape[8] = {};
    if (named != std::string_view::npos) {
      out += {'\\', "\"\\bfnrt"[named]};
    } else if (byte < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else if (is_surrogate_form(text, index)) {
      const auto second = static_cast<unsigned char>(text[++index]);
      const auto third = static_cast<unsigned char>(text[++index]);
      std::snprintf(escape, sizeof escape, "\\ud%x%02x", (second & 0x3FU) >> 2,
                    (second & 3U) << 6 | (third & 0x3FU));
      out += escape;
    } else {
      out.push_back(text[index]);
    }
  }
  return out + '"';
}

RC_GTEST_PROP(JsonWriter, QuotesAsALookAtEachCharacterWould, (const std::string& start)) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "plain text of some length", "x", "\"", "\\", "\n", "\x01", "\x1F", " ", "\x7F",
      "\xED\xA0\x80", "\xED\xBF\xBF", "\xED\x9F\xBF", "\xED", "\xC3\xA9", "\xFF"));
  std::string text = start;
  for (const std::string& part : parts) text += part;
  std::string out = "before";
  append_json_string(out, text);
  RC_ASSERT(out == "before" + quoted_slowly(text));
}

// Every place in and across the blocks in which the reader looks for what ends a run.
TEST(JsonReader, ReadsAStringWhereverItEnds) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string run(length, 'x');
    for (const std::string& text :
         {run, run + "\xC3\xA9" + run, "\xE2\x82\xAC" + run + "\"\n" + run}) {
      for (const char* after : {"", " ", "                    "}) {
        const auto value = parse_json(Value(text).to_json() + after);
        ASSERT_TRUE(value) << text;
        EXPECT_EQ(value->as_string(), text);
      }
      EXPECT_FALSE(parse_json("\"" + run + "\x1F" + text + "\""));
      EXPECT_FALSE(parse_json("\"" + run + "\xFF\""));
      std::string unfinished = Value(text).to_json();
      unfinished.pop_back();
      EXPECT_FALSE(parse_json(unfinished));
    }
  }
}

RC_GTEST_PROP(JsonWriter, WritesTheShortestTextOfEveryDouble, (std::uint64_t bits)) {
  const auto number = std::bit_cast<double>(bits);
  RC_PRE(std::isfinite(number));
  std::string text;
  append_javascript_number(text, number);
  RC_ASSERT(parse_json(text)->as_number() == number);
}

// Examples of ECMAScript's Number::toString at each of its boundaries.
TEST(JsonWriter, WritesNumbersAsJavaScript) {
  const std::pair<double, const char*> examples[] = {
      {0.0, "0"},
      {-0.0, "0"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {123e-20, "1.23e-18"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {0.1, "0.1"},
      {-1.5, "-1.5"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {123456789012345680000.0, "123456789012345680000"}};
  for (const auto& [number, expected] : examples) {
    std::string text;
    append_javascript_number(text, number);
    EXPECT_EQ(text, expected);
  }
}

TEST(JsonWriter, EscapesControlCharactersOnly) {
  std::string text;
  append_json_string(text, std::string_view("\0\x1f\b\f\n\r\t\"\\/\x7f\xC3\xA9", 13));
  EXPECT_EQ(text, "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\x7f\xC3\xA9\"");
}

// A program may put any bytes into a string; the writer must not take its neighbours for a
// surrogate.
TEST(JsonWriter, TakesOnlyWholeSurrogateFormsForSurrogates) {
  std::string text;
  append_json_string(text, "\xED\xA0");
  append_json_string(text, "\xED\xA0\"x");
  append_json_string(text, "\xED\xC3\xA9");
  EXPECT_EQ(text, "\"\xED\xA0\"\"\xED\xA0\\\"x\"\"\xED\xC3\xA9\"");
}

TEST(CanonicalJson, MatchesTheGoldenVectors) {
  const auto file = parse_json(read_file(TOMBOLO_TEST_DATA "/kora/canonical-json.json"));
  ASSERT_TRUE(file) << file.error().message;
  const Array& cases = *(*file)["cases"].if_array();
  ASSERT_EQ(cases.size(), 77U);
  for (const Value& one : cases) {
    const auto value = parse_json(one["json"].as_string());
    ASSERT_TRUE(value) << one["json"].as_string() << ": " << value.error().message;
    EXPECT_EQ(canonical_json(*value), one["canonical"].as_string()) << one["json"].as_string();
    EXPECT_EQ(hex_of(canonical_json(*value)), one["utf8Hex"].as_string());
  }
}

TEST(CanonicalJson, SortsKeysByUtf16UnitsAtEveryLevel) {
  EXPECT_EQ(canonical_json(*parse_json(R"([{"｡":1,"😀":2,"b":{"z":1,"a":2}}])")),
            R"([{"b":{"a":2,"z":1},"😀":2,"｡":1}])");
  EXPECT_EQ(canonical_json(*parse_json(R"({"\udc00":1,"😀":2,"\ud800":3})")),
            R"({"\ud800":3,"😀":2,"\udc00":1})");
}

RC_GTEST_PROP(CanonicalJson, DependsOnTheMembersAndNotOnTheirOrder, ()) {
  const Value value = *values(2);
  RC_PRE(value.is_object());
  Object reversed;
  for (auto member = value.if_object()->end(); member != value.if_object()->begin();) {
    --member;
    reversed.set(member->key, member->value);
  }
  RC_ASSERT(canonical_json(reversed) == canonical_json(value));
}

}  // namespace
}  // namespace tombolo
