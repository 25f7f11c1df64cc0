#include "net/url.h"

#include <gtest/gtest.h>

namespace tombolo::net {
namespace {

TEST(Url, TakesAnAddressApart) {
  const auto url = parse_url("HTTP://Example.org:8888/v1/?a=b#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "http");
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8888);
  EXPECT_EQ(url->target, "/v1/?a=b");
  EXPECT_EQ(url->authority(), "example.org:8888");
}

TEST(Url, KnowsTheDefaults) {
  EXPECT_EQ(parse_url("ws://a")->port, 80);
  EXPECT_EQ(parse_url("wss://a")->port, 443);
  EXPECT_EQ(parse_url("https://a?x")->target, "/?x");
  EXPECT_EQ(parse_url("http://a:80")->authority(), "a");
}

TEST(Url, TakesIpv6InBrackets) {
  const auto url = parse_url("http://[::1]:80/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->authority(), "[::1]");
}

TEST(Url, RefusesWhatItCannotUse) {
  for (const char* text : {"", "example.org", "ftp://a", "http://", "http://:80", "http://a:",
                           "http://a:0", "http://a:65536", "http://a:8x", "http://user:secret@a",
                           "http://a b", "http://a/\r\nX: y", "http://[::1", "http://[::1]x"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, NeverRepeatsAPassword) {
  const auto url = parse_url("http://user:secret@example.org/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message,
            "the URL of example.org holds a user or password: give them as credentials instead");
}

}  // namespace
}  // namespace tombolo::net
