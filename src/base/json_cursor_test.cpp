#include "base/json_cursor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tombolo {
namespace {

// The elements of the array that `text` is, unread; nothing when it is none.
std::optional<std::vector<std::string>> split(std::string_view text) {
  JsonCursor cursor(text);
  std::vector<std::string> elements;
  std::string_view element;
  cursor.open_array();
  while (cursor.next_element()) {
    if (cursor.skip(element)) elements.emplace_back(element);
  }
  if (!cursor.finish()) return std::nullopt;
  return elements;
}

using Texts = std::vector<std::string>;

TEST(JsonCursor, ReadsAnObjectMemberByMember) {
  JsonCursor cursor(R"( { "\u0061" : "x\ny" , "b" : [ 1 , {"c":2} ] , "d":{} } )");
  std::string_view key;
  std::string_view text;
  Value value;
  ASSERT_TRUE(cursor.open_object());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key, "a");
  ASSERT_TRUE(cursor.read_text(text));
  EXPECT_EQ(text, "x\ny");
  ASSERT_TRUE(cursor.next_member(key));
  ASSERT_EQ(cursor.peek(), '[');
  ASSERT_TRUE(cursor.open_array());
  ASSERT_TRUE(cursor.next_element());
  ASSERT_TRUE(cursor.read(value));
  EXPECT_EQ(value, Value(1));
  ASSERT_TRUE(cursor.next_element());
  Object members;
  ASSERT_TRUE(cursor.read_members(members));
  EXPECT_EQ(members, (Object{{"c", 2}}));
  EXPECT_FALSE(cursor.next_element());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key, "d");
  ASSERT_TRUE(cursor.skip(text));
  EXPECT_EQ(text, "{}");
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_TRUE(cursor.finish());
}

TEST(JsonCursor, KeepsTheFirstProblemAndReadsNothingMore) {
  JsonCursor cursor(R"({"a":tru,"b":1})");
  std::string_view key;
  Value value;
  ASSERT_TRUE(cursor.open_object());
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_FALSE(cursor.read(value));
  EXPECT_TRUE(cursor.failed());
  EXPECT_EQ(cursor.peek(), '\0');
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_FALSE(cursor.open_object());
  EXPECT_FALSE(cursor.read(value));
  EXPECT_FALSE(cursor.skip(key));
  EXPECT_FALSE(cursor.finish());
  EXPECT_EQ(cursor.error().error().message, "invalid JSON at byte 5: expected true, false or null");
}

TEST(JsonCursor, SkipsWhatItNeedNotRead) {
  EXPECT_EQ(split(R"( [ {"b":"}"} , [1,"],"] ,-1e3, "a\"]" ,null,[[]]] )"),
            (Texts{R"({"b":"}"})", R"([1,"],"])", "-1e3", R"("a\"]")", "null", "[[]]"}));
  EXPECT_EQ(split("[]"), Texts());
  EXPECT_EQ(split(R"(["\\",1])"), (Texts{R"("\\")", "1"}));
  for (const char* broken :
       {"", "[", "[1", "[1,]", "[1}", R"(["\"])", R"([{"a\"}])", "[]x", "{}", "[[]"}) {
    EXPECT_EQ(split(broken), std::nullopt) << broken;
  }
}

// Brackets, quotes and backslashes in every place of a block and across its end.
TEST(JsonCursor, SkipsToTheSameEndWhereverABlockBegins) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string filler(length, 'x');
    for (const char* middle : {"", "]", R"(\")", R"(\\)", R"(\"]\\)", "[{"}) {
      const std::string inner =
          R"({"k":[")" + filler + middle + R"(",[1],{"a":")" + middle + "\"}]}";
      EXPECT_EQ(split("[" + inner + "," + filler + "7]"), (Texts{inner, filler + "7"}));
    }
  }
}

RC_GTEST_PROP(JsonCursor, SkipsExactlyWhatItWouldRead, (const std::vector<std::string>& texts)) {
  Array array;
  Texts expected;
  for (const std::string& text : texts) {
    std::string ascii;
    for (const char character : text) ascii.push_back(static_cast<char>(character & 0x7F));
    const Value element = Array{Value{{ascii, Array{ascii + "\\\"", ascii}}}, "]" + ascii};
    expected.push_back(element.to_json());
    array.push_back(element);
  }
  RC_ASSERT(split(Value(array).to_json()) == expected);
}

}  // namespace
}  // namespace tombolo
