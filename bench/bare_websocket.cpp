// The bound for WebSockets: sends every message back. usage: bare_websocket [PORT]
#include <optional>
#include <span>
#include <string>

#include "bare_epoll.h"
#include "net/websocket_handshake.h"
#include "protocol/websocket_frame.h"

namespace {

using tombolo::protocol::WebSocketEvent;
using tombolo::protocol::WebSocketOpcode;

struct EchoSession {
  void take(std::string& input, std::string& output) {
    if (!is_open) {
      shake_hands(input, output);
      if (!is_open) return;
    }
    std::span<char> bytes = input;
    for (;;) {
      const WebSocketEvent event = decoder.next(bytes);
      if (event.kind == WebSocketEvent::Kind::need_more) break;
      if (event.kind == WebSocketEvent::Kind::failed) std::exit(1);
      const bool is_text = event.kind == WebSocketEvent::Kind::text;
      if (!is_text && event.kind != WebSocketEvent::Kind::binary) continue;
      tombolo::protocol::append_websocket_frame(
          output, is_text ? WebSocketOpcode::text : WebSocketOpcode::binary, event.payload,
          std::nullopt);
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
  tombolo::bench::serve<EchoSession>(tombolo::bench::port_argument(count, arguments));
}
