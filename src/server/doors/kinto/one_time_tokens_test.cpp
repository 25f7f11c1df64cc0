#include "server/doors/kinto/one_time_tokens.h"

#include <gtest/gtest.h>

namespace tombolo::server::kinto {
namespace {

TEST(OneTimeTokens, are_used_once) {
  OneTimeTokens tokens;
  tokens.issue("a", 0);
  EXPECT_TRUE(tokens.redeem("a", 1));
  EXPECT_FALSE(tokens.redeem("a", 1));
  EXPECT_FALSE(tokens.redeem("b", 1));
}

TEST(OneTimeTokens, expire) {
  OneTimeTokens tokens;
  tokens.issue("a", 0);
  EXPECT_FALSE(tokens.redeem("a", kTokenValidityMs));
}

TEST(OneTimeTokens, are_bounded_in_number) {
  OneTimeTokens tokens;
  for (std::size_t count = 0; count < kMaxTokens + 2; ++count) {
    tokens.issue(std::to_string(count), 0);
  }
  EXPECT_FALSE(tokens.redeem("0", 1));
  EXPECT_TRUE(tokens.redeem(std::to_string(kMaxTokens + 1), 1));
}

}  // namespace
}  // namespace tombolo::server::kinto
