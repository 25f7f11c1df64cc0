#include "base/percent_encoding.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tombolo {
namespace {

TEST(PercentEncoding, decodes_escapes_of_either_case) {
  EXPECT_EQ(percent_decode("a%20b%c3%A9"), "a b\xC3\xA9");
}

TEST(PercentEncoding, keeps_what_is_no_escape) {
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

TEST(PercentEncoding, takes_plus_for_a_space_in_query_strings_only) {
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
}

TEST(PercentEncoding, escapes_everything_reserved) {
  EXPECT_EQ(percent_encode("a-b/c d+\xC3\xA9"), "a-b%2Fc%20d%2B%C3%A9");
}

RC_GTEST_PROP(PercentEncoding, decoding_undoes_encoding, (const std::string& text)) {
  RC_ASSERT(percent_decode(percent_encode(text), true) == text);
}

}  // namespace
}  // namespace tombolo
