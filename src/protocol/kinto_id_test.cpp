#include "protocol/kinto_id.h"

#include <gtest/gtest.h>

namespace tombolo::protocol::kinto {
namespace {

TEST(KintoId, starts_with_a_letter_or_digit) {
  EXPECT_TRUE(is_valid_id("a"));
  EXPECT_TRUE(is_valid_id("0-_Z"));
  EXPECT_TRUE(is_valid_id("0198f0c2-0000-7000-8000-000000000001"));
  EXPECT_FALSE(is_valid_id("-a"));
  EXPECT_FALSE(is_valid_id("_a"));
  EXPECT_FALSE(is_valid_id(""));
}

TEST(KintoId, has_no_other_characters) {
  EXPECT_FALSE(is_valid_id("a b"));
  EXPECT_FALSE(is_valid_id("a.b"));
  EXPECT_FALSE(is_valid_id("a/b"));
  EXPECT_FALSE(is_valid_id("caf\xC3\xA9"));
  EXPECT_FALSE(is_valid_id(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_valid_id("a\n"));
}

TEST(KintoId, generates_ids_of_its_own_rule) {
  SeededRandom random(7);
  const std::string first = generate_short_id(random);
  EXPECT_EQ(first.size(), kGeneratedIdLength);
  EXPECT_TRUE(is_valid_id(first));
  EXPECT_NE(first, generate_short_id(random));
}

}  // namespace
}  // namespace tombolo::protocol::kinto
