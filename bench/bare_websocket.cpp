// The bounds for WebSockets. usage: bare_websocket echo | broadcast
//
// echo: sends every message back. broadcast: a message that says what a batch of operations says
// goes to all other clients, framed once; any other message is read and dropped, as a server reads
// acknowledgments.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "bare_epoll.h"
#include "net/websocket_handshake.h"
#include "protocol/websocket_frame.h"

namespace {

using tombolo::bench::Output;
using tombolo::protocol::WebSocketEvent;
using tombolo::protocol::WebSocketOpcode;

bool broadcasts = false;

struct Session {
  void take(std::string& input, Output& output) {
    if (!is_open) {
      shake_hands(input, output.reply);
      if (!is_open) return;
    }
    std::span<char> bytes = input;
    for (;;) {
      const WebSocketEvent event = decoder.next(bytes);
      if (event.kind == WebSocketEvent::Kind::need_more) break;
      if (event.kind == WebSocketEvent::Kind::failed) std::exit(1);
      if (event.kind != WebSocketEvent::Kind::text) continue;
      if (broadcasts && event.payload.find("operation-batch") == std::string_view::npos) continue;
      tombolo::protocol::append_websocket_frame(broadcasts ? output.broadcast : output.reply,
                                                WebSocketOpcode::text, event.payload, std::nullopt);
    }
    input.clear();
  }

  void shake_hands(std::string& input, std::string& output) {
    const std::size_t end = input.find("\r\n\r\n");
    const std::size_t key = input.find("Sec-WebSocket-Key: ");
    if (end == std::string::npos || key == std::string::npos) return;
    output +=
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        tombolo::net::websocket_accept_of(std::string_view(input).substr(key + 19, 24)) +
        "\r\n\r\n";
    input.erase(0, end + 4);
    is_open = true;
  }

  static constexpr std::size_t kMaxMessageBytes = 16 * 1024 * 1024;
  bool is_open = false;
  tombolo::protocol::WebSocketDecoder decoder{tombolo::protocol::WebSocketRole::server,
                                              kMaxMessageBytes};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 ||
      (std::strcmp(arguments[1], "echo") != 0 && std::strcmp(arguments[1], "broadcast") != 0)) {
    std::fprintf(stderr, "usage: bare_websocket echo | broadcast\n");
    return 2;
  }
  broadcasts = std::strcmp(arguments[1], "broadcast") == 0;
  tombolo::bench::serve<Session>();
}
