#include "protocol/websocket_frame.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>
#include <vector>

namespace tombolo::protocol {
namespace {

namespace beast = boost::beast;
using Kind = WebSocketEvent::Kind;

struct Found {
  Kind kind;
  std::uint16_t code;
  std::string payload;
  friend bool operator==(const Found&, const Found&) = default;
};

// Feeds `bytes` in pieces of `step`, and gives what was found.
std::vector<Found> decode(WebSocketRole role, std::string bytes, std::size_t step,
                          std::size_t max_message_bytes = 1 << 20) {
  WebSocketDecoder decoder(role, max_message_bytes);
  std::vector<Found> all;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::span<char> piece = std::span(bytes).subspan(at, std::min(step, bytes.size() - at));
    for (;;) {
      const WebSocketEvent event = decoder.next(piece);
      if (event.kind == Kind::need_more) break;
      all.push_back({event.kind, event.code, std::string(event.payload)});
      if (event.kind == Kind::failed) return all;
    }
    EXPECT_TRUE(piece.empty());
  }
  return all;
}

std::string frame_of(WebSocketOpcode opcode, std::string_view payload,
                     const std::optional<WebSocketMask>& mask = std::nullopt) {
  std::string frame;
  append_websocket_frame(frame, opcode, payload, mask);
  return frame;
}

constexpr WebSocketMask kMask{0x37, 0xFA, 0x21, 0x3D};

TEST(WebSocketFrame, EncodesTheExamplesOfTheRfc) {
  EXPECT_EQ(frame_of(WebSocketOpcode::text, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(frame_of(WebSocketOpcode::text, "Hello", kMask),
            "\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58");
  EXPECT_EQ(frame_of(WebSocketOpcode::ping, "Hello"), "\x89\x05Hello");
}

TEST(WebSocketFrame, JoinsFragments) {
  const std::vector<Found> expected = {{Kind::text, 0, "Hello"}};
  EXPECT_EQ(decode(WebSocketRole::client, "\x01\x03Hel\x80\x02lo", 100), expected);
}

TEST(WebSocketFrame, DeliversControlFramesBetweenFragments) {
  const std::vector<Found> expected = {{Kind::ping, 0, "p"}, {Kind::text, 0, "Hello"}};
  EXPECT_EQ(decode(WebSocketRole::client, "\x01\x03Hel\x89\x01p\x80\x02lo", 100), expected);
}

TEST(WebSocketFrame, GivesAMessageThatLiesWholeWithoutACopy) {
  std::string bytes = frame_of(WebSocketOpcode::binary, "whole", kMask);
  WebSocketDecoder decoder(WebSocketRole::server, 100);
  std::span<char> rest = bytes;
  const WebSocketEvent event = decoder.next(rest);
  EXPECT_EQ(event.payload, "whole");
  EXPECT_EQ(event.payload.data(), bytes.data() + 6);
}

TEST(WebSocketFrame, AcceptsACharacterCutByFragments) {
  const std::vector<Found> expected = {{Kind::text, 0, "\xC3\xA9"}};
  EXPECT_EQ(decode(WebSocketRole::client, "\x01\x01\xC3\x80\x01\xA9", 100), expected);
}

TEST(WebSocketFrame, RefusesEveryBreach) {
  const struct {
    std::string name;
    std::string bytes;
    std::uint16_t code;
  } cases[] = {
      {"reserved bit", "\xC1\x01x", 1002},
      {"unknown data opcode", "\x83\x01x", 1002},
      {"unknown control opcode", "\x8B\x01x", 1002},
      {"mask from a server", "\x81\x81\x01\x02\x03\x04x", 1002},
      {"fragmented control frame", "\x09\x01x", 1002},
      {"long control frame", std::string("\x89\x7E\x00\x7E", 4), 1002},
      {"continuation of nothing", "\x80\x01x", 1002},
      {"new message inside another", "\x01\x01x\x81\x01x", 1002},
      {"16-bit length for a short payload", std::string("\x82\x7E\x00\x05", 4), 1002},
      {"64-bit length for a short payload", std::string("\x82\x7F\0\0\0\0\0\0\xFF\xFF", 10), 1002},
      {"length beyond 63 bits", std::string("\x82\x7F\x80\0\0\0\0\0\0\0", 10), 1002},
      {"length beyond the limit", std::string("\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10),
       1009},
      {"invalid UTF-8", "\x81\x02\xC3\x28", 1007},
      {"surrogate in UTF-8", "\x81\x03\xED\xA0\x80", 1007},
      {"close with half a code", "\x88\x01\x03", 1002},
      {"close with a reserved code", "\x88\x02\x03\xED", 1002},
      {"close with a reason that is not UTF-8", "\x88\x03\x03\xE8\xFF", 1007},
  };
  for (const auto& each : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}}) {
      const auto found = decode(WebSocketRole::client, each.bytes, step);
      ASSERT_FALSE(found.empty()) << each.name;
      EXPECT_EQ(found.back().kind, Kind::failed) << each.name;
      EXPECT_EQ(found.back().code, each.code) << each.name;
    }
  }
}

TEST(WebSocketFrame, CountsAllFragmentsAgainstTheLimit) {
  const std::string bytes =
      "\x02\x03"
      "abc"
      "\x80\x02"
      "de";
  EXPECT_EQ(decode(WebSocketRole::client, bytes, 100, 5).back().kind, Kind::binary);
  EXPECT_EQ(decode(WebSocketRole::client, bytes, 100, 4).back().code, 1009);
}

TEST(WebSocketFrame, CutsACloseReasonBetweenCharacters) {
  std::string reason;
  for (int count = 0; count < 100; ++count) reason += "\xC3\xA9";
  const std::string payload = websocket_close_payload(1000, reason);
  EXPECT_EQ(payload.size(), 2U + 122U);
}

// Whatever bytes come, in whatever pieces: the same events, and never a crash.
RC_GTEST_PROP(WebSocketFrameProperty, DoesNotDependOnHowBytesArrive,
              (const std::string& bytes, bool is_server)) {
  const WebSocketRole role = is_server ? WebSocketRole::server : WebSocketRole::client;
  RC_ASSERT(decode(role, bytes, 1) == decode(role, bytes, std::max<std::size_t>(bytes.size(), 1)));
}

RC_GTEST_PROP(WebSocketFrameProperty, ReadsBackWhatItWrote,
              (const std::vector<std::string>& messages, WebSocketMask mask)) {
  const auto step = *rc::gen::inRange<std::size_t>(1, 20);
  std::string bytes;
  std::vector<Found> expected;
  for (const std::string& message : messages) {
    append_websocket_frame(bytes, WebSocketOpcode::binary, message, mask);
    expected.push_back({Kind::binary, 0, message});
  }
  RC_ASSERT(decode(WebSocketRole::server, bytes, step) == expected);
}

// Boost.Beast as the other end, over its stream in memory.
class WebSocketOracle : public testing::Test {
 protected:
  using Stream = beast::websocket::stream<beast::test::stream>;

  // A Beast client whose handshake is answered by Beast; `raw` is our end of the same stream.
  void SetUp() override {
    raw_ = beast::test::connect(client_.next_layer());
    boost::asio::io_context& context = context_;
    client_.async_handshake("localhost", "/", [](beast::error_code error) { EXPECT_FALSE(error); });
    context.poll();
    const std::string request(raw_.str());
    raw_.clear();
    const std::size_t at = request.find("Sec-WebSocket-Key: ");
    ASSERT_NE(at, std::string::npos);
    const std::string key = request.substr(at + 19, 24);
    beast::websocket::detail::sec_ws_accept_type accept;
    beast::websocket::detail::make_sec_ws_accept(accept, key);
    boost::asio::write(
        raw_, boost::asio::buffer("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Accept: " +
                                  std::string(accept.data(), accept.size()) + "\r\n\r\n"));
    context.poll();
    context.restart();
  }

  boost::asio::io_context context_;
  Stream client_{context_};
  beast::test::stream raw_{context_};
};

TEST_F(WebSocketOracle, UnderstandsWhatBeastWrites) {
  client_.auto_fragment(true);
  client_.write_buffer_bytes(512);
  std::vector<Found> expected;
  for (const std::size_t size : {0, 1, 125, 126, 511, 512, 5000, 70000}) {
    const std::string message(size, 'm');
    client_.binary(true);
    client_.write(boost::asio::buffer(message));
    expected.push_back({Kind::binary, 0, message});
  }
  const std::string bytes(raw_.str());
  EXPECT_EQ(decode(WebSocketRole::server, bytes, bytes.size()), expected);
  EXPECT_EQ(decode(WebSocketRole::server, bytes, 7), expected);
}

TEST_F(WebSocketOracle, IsUnderstoodByBeast) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 100000}) {
    const std::string message(size, 'm');
    boost::asio::write(raw_, boost::asio::buffer(frame_of(WebSocketOpcode::text, message)));
    beast::flat_buffer buffer;
    client_.read(buffer);
    EXPECT_TRUE(client_.got_text());
    EXPECT_TRUE(beast::buffers_to_string(buffer.data()) == message) << size;
  }
}

}  // namespace
}  // namespace tombolo::protocol
