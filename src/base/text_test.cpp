#include "base/text.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>
#include <vector>

namespace tombolo {
namespace {

// Texts of all the widths, with lone surrogates in the three-byte form that the JSON reader makes.
std::string encode(const std::vector<std::uint32_t>& code_points) {
  std::string text;
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  for (const std::uint32_t point : code_points) {
    if (point < 0x80) {
      put(point);
    } else if (point < 0x800) {
      put(0xC0 | (point >> 6));
      put(0x80 | (point & 63));
    } else if (point < 0x10000) {
      put(0xE0 | (point >> 12));
      put(0x80 | ((point >> 6) & 63));
      put(0x80 | (point & 63));
    } else {
      put(0xF0 | (point >> 18));
      put(0x80 | ((point >> 12) & 63));
      put(0x80 | ((point >> 6) & 63));
      put(0x80 | (point & 63));
    }
  }
  return text;
}

std::u16string utf16_of(const std::vector<std::uint32_t>& code_points) {
  std::u16string units;
  for (const std::uint32_t point : code_points) {
    if (point < 0x10000) {
      units.push_back(static_cast<char16_t>(point));
    } else {
      units.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return units;
}

// Mostly the code points around which byte order and UTF-16 order part.
rc::Gen<std::vector<std::uint32_t>> code_point_lists() {
  return rc::gen::container<std::vector<std::uint32_t>>(
      rc::gen::oneOf(rc::gen::element<std::uint32_t>('a', 'b', 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF,
                                                     0xD800, 0xD83D, 0xDBFF, 0xDC00, 0xDE00, 0xDFFF,
                                                     0xE000, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF),
                     rc::gen::inRange<std::uint32_t>(0, 0x110000)));
}

// A vector that UTF-16 can tell from the pair that its two lone surrogates would make.
bool is_unambiguous(const std::vector<std::uint32_t>& points) {
  for (std::size_t index = 1; index < points.size(); ++index) {
    if (points[index - 1] >= 0xD800 && points[index - 1] < 0xDC00 && points[index] >= 0xDC00 &&
        points[index] < 0xE000) {
      return false;
    }
  }
  return true;
}

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  const std::uint8_t bytes[] = {0x00, 0x7f, 0xab, 0xff};
  EXPECT_EQ(to_hex(bytes), "007fabff");
  EXPECT_EQ(from_hex("007fABff"), std::string("\x00\x7f\xab\xff", 4));
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesHalfBytesAndOtherCharacters) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_hex(" 0"));
}

TEST(Base64Text, MatchesTheVectorsOfRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64Text, UrlAlphabetHasNoPadding) {
  EXPECT_EQ(to_base64("\xfb\xff", Base64::standard), "+/8=");
  EXPECT_EQ(to_base64("\xfb\xff", Base64::url), "-_8");
  EXPECT_EQ(from_base64("-_8", Base64::url), "\xfb\xff");
  EXPECT_FALSE(from_base64("+/8", Base64::url));
  EXPECT_FALSE(from_base64("-_8=", Base64::url));
}

TEST(Base64Text, RefusesEverythingThatIsNotTheOneTextOfSomeBytes) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "=", "====", "Z===", "Zh==", "Zm9=", "Zm 9", "Zg==Zg==", "Zm9vZ"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

RC_GTEST_PROP(Base64Text, ReadsWhatItWrites, (const std::string& bytes)) {
  RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
  RC_ASSERT(from_base64(to_base64(bytes, Base64::url), Base64::url) == bytes);
}

TEST(Utf8, TakesExactlyTheWellFormedSequences) {
  for (const char* good :
       {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "a\xE2\x82", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_utf8(bad)) << to_hex({reinterpret_cast<const std::uint8_t*>(bad), 1});
  }
}

RC_GTEST_PROP(Utf8, KnowsSurrogatesFromCharacters, ()) {
  const auto points = *code_point_lists();
  const bool surrogates = std::ranges::any_of(
      points, [](std::uint32_t point) { return point >= 0xD800 && point < 0xE000; });
  RC_ASSERT(is_utf8(encode(points)) == !surrogates);
}

// Wherever the sequence stands among blocks of ASCII.
TEST(Utf8, FindsASequenceInEveryPlace) {
  for (std::size_t length = 0; length < 50; ++length) {
    for (std::size_t place = 0; place <= length; ++place) {
      std::string text(length, 'x');
      EXPECT_TRUE(is_utf8(std::string(text).insert(place, "\xE2\x82\xAC\xF0\x9F\x98\x80")));
      EXPECT_FALSE(is_utf8(std::string(text).insert(place, "\xE2\x82")));
      EXPECT_FALSE(is_utf8(std::string(text).insert(place, "\xC3\xA9\xFF")));
    }
  }
}

bool before(std::string_view left, std::string_view right) {
  return compare_utf16(left, right) < 0;
}

TEST(Utf16Order, PutsPairsBeforeThePrivateUseArea) {
  EXPECT_TRUE(before(encode({0x1F600}), encode({0xE000})));
  EXPECT_TRUE(before(encode({0x1F600}), encode({0xFF21})));
  EXPECT_TRUE(before(encode({0xD7FF}), encode({0x1F600})));
}

TEST(Utf16Order, PutsALoneSurrogateByItsUnit) {
  EXPECT_TRUE(before(encode({0x1F600}), encode({0xDC00})));       // DC00 > D83D
  EXPECT_TRUE(before(encode({0xD83C}), encode({0x1F600})));       // D83C < D83D
  EXPECT_TRUE(before(encode({0xD83D, 'a'}), encode({0x1F600})));  // then 0061 < DE00
  EXPECT_TRUE(before(encode({0x1F600}), encode({0xD83D, 0xE000})));
}

RC_GTEST_PROP(Utf16Order, IsTheOrderOfTheDecodedUnits, ()) {
  const auto prefix = *code_point_lists();
  auto left = prefix;
  auto right = prefix;
  for (const auto point : *code_point_lists()) left.push_back(point);
  for (const auto point : *code_point_lists()) right.push_back(point);
  RC_PRE(is_unambiguous(left) && is_unambiguous(right));
  const auto expected = utf16_of(left).compare(utf16_of(right));
  RC_ASSERT(before(encode(left), encode(right)) == (expected < 0));
  RC_ASSERT(before(encode(right), encode(left)) == (expected > 0));
}

// Bytes that break UTF-8 in every way still have one total order, or sorting by it would be
// undefined.
RC_GTEST_PROP(Utf16Order, IsTotalOverArbitraryBytes, ()) {
  const auto byte = rc::gen::element<char>('a', 'b', '\x80', '\xBF', '\xC2', '\xE2', '\xED', '\xA0',
                                           '\xEE', '\xF0', '\x9F', '\xF4', '\xFF');
  const auto text = rc::gen::container<std::string>(byte);
  const std::string a = *text;
  const std::string b = *text;
  const std::string c = *text;
  RC_ASSERT((before(a, b) || before(b, a)) == (a != b));
  RC_ASSERT(!(before(a, b) && before(b, a)));
  if (before(a, b) && before(b, c)) RC_ASSERT(before(a, c));
}

}  // namespace
}  // namespace tombolo
