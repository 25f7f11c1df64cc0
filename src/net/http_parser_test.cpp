#include "net/http_parser.h"

#include <gtest/gtest.h>
#include <string>

#include "net/http_server.h"

namespace tombolo::net {
namespace {

// Feeds byte by byte, as the slowest peer would.
ParseOutcome feed_slowly(RequestParser& parser, std::string_view bytes) {
  std::string buffer;
  ParseOutcome outcome;
  for (const char byte : bytes) {
    buffer += byte;
    outcome = parser.feed(buffer);
    buffer.erase(0, outcome.used);
    if (outcome.kind != ParseOutcome::Kind::need_more) return outcome;
  }
  return outcome;
}

TEST(HttpParser, TakesChunksHoweverTheyAreCut) {
  for (const std::string_view chunks :
       {"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n", "0;a=b\r\n\r\n"}) {
    RequestParser parser{HttpLimits()};
    const std::string text =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
    EXPECT_EQ(feed_slowly(parser, text).kind, ParseOutcome::Kind::complete) << chunks;
    EXPECT_EQ(parser.take().body, chunks.starts_with('3') ? "abc" : "");
  }
}

TEST(HttpParser, RefusesALastChunkThatIsNone) {
  for (const std::string_view chunks : {"x\r\n\r\n", "0x\r\n\r\n", "0\r\nno field\r\n\r\n"}) {
    RequestParser parser{HttpLimits()};
    const std::string text =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
    const ParseOutcome outcome = feed_slowly(parser, text);
    EXPECT_EQ(outcome.kind, ParseOutcome::Kind::failed) << chunks;
    EXPECT_EQ(outcome.status, 400);
  }
}

}  // namespace
}  // namespace tombolo::net
