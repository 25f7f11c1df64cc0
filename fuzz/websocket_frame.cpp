// WebSocket frames, against Boost.Beast as a second opinion: both find the same messages, and where
// one takes the connection for over the other does. Three differences are known: Beast refuses text
// that is no UTF-8 before its frame is complete, where we wait for the rest; it takes close codes
// above 4999, which RFC 6455 section 7.4.2 gives to nobody; and it takes a text whose last
// character is cut off when an empty frame ends it.
#include "protocol/websocket_frame.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <string>
#include <vector>

#include "target.h"

namespace tombolo::protocol {
namespace {

namespace beast = boost::beast;
using Kind = WebSocketEvent::Kind;

constexpr std::size_t kMaxMessageBytes = 4'096;

// The data messages up to the first close or breach, and whether there was one.
struct Found {
  std::vector<std::string> messages;
  bool over = false;
  bool is_no_text = false;  // it was a text that is no UTF-8
  friend bool operator==(const Found&, const Found&) = default;
};

Found decode(std::string bytes, std::size_t step) {
  WebSocketDecoder decoder(WebSocketRole::client, kMaxMessageBytes);
  Found found;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::span<char> piece = std::span(bytes).subspan(at, std::min(step, bytes.size() - at));
    for (;;) {
      const WebSocketEvent event = decoder.next(piece);
      if (event.kind == Kind::need_more) break;
      found.over = event.kind == Kind::close || event.kind == Kind::failed;
      found.is_no_text = event.kind == Kind::failed && event.code == 1007;
      if (found.over) return found;
      if (event.kind == Kind::text) found.messages.push_back("t" + std::string(event.payload));
      if (event.kind == Kind::binary) found.messages.push_back("b" + std::string(event.payload));
    }
  }
  return found;
}

// Beast as a client, whose server sends `bytes` after the handshake and then ends.
Found ask_beast(const std::string& bytes) {
  boost::asio::io_context context;
  beast::websocket::stream<beast::test::stream> client{context};
  beast::test::stream raw = beast::test::connect(client.next_layer());
  client.async_handshake("localhost", "/", [](beast::error_code) {});
  context.poll();
  const std::string request(raw.str());
  raw.clear();
  beast::websocket::detail::sec_ws_accept_type accept;
  const std::size_t key = request.find("Sec-WebSocket-Key: ");
  TOMBOLO_CHECK(key != std::string::npos, "Beast asks for an upgrade");
  beast::websocket::detail::make_sec_ws_accept(accept, request.substr(key + 19, 24));
  boost::asio::write(
      raw, boost::asio::buffer("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: " +
                               std::string(accept.data(), accept.size()) + "\r\n\r\n"));
  context.poll();
  context.restart();
  client.read_message_max(kMaxMessageBytes);
  boost::asio::write(raw, boost::asio::buffer(bytes));
  raw.close();
  Found found;
  for (;;) {
    beast::flat_buffer buffer;
    beast::error_code error;
    client.read(buffer, error);
    if (!error) {
      found.messages.push_back((client.got_text() ? "t" : "b") +
                               beast::buffers_to_string(buffer.data()));
      continue;
    }
    found.over = error != boost::asio::error::eof;
    return found;
  }
}

}  // namespace
}  // namespace tombolo::protocol

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  fuzz::Choices choices(fuzz::text_of(data, size));
  const std::size_t step = 1 + choices.below(32);
  const std::string bytes(choices.rest());
  const auto whole = protocol::decode(bytes, bytes.size() + 1);
  TOMBOLO_CHECK(whole == protocol::decode(bytes, step), "frames do not depend on how they arrive");
  auto theirs = protocol::ask_beast(bytes);
  if (!whole.over) theirs.over = false;
  if (whole.is_no_text) {
    theirs.messages.resize(std::min(theirs.messages.size(), whole.messages.size()));
    theirs.over = theirs.is_no_text = true;
  }
  TOMBOLO_CHECK(whole == theirs, "the decoder and Boost.Beast are of one opinion");
  return 0;
}
