// WebSocket framing (RFC 6455 section 5), pure: bytes in, events out, and messages to bytes. Both
// ends of a connection use it; sockets, timers and the opening handshake are elsewhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tombolo::protocol {

enum class WebSocketRole { server, client };

enum class WebSocketOpcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

using WebSocketMask = std::array<std::uint8_t, 4>;

// Appends a final frame. A client must give an unpredictable mask of its own to every frame, a
// server none (section 5.3). The payload of a control frame is at most 125 bytes.
void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                            const std::optional<WebSocketMask>& mask);

// Largest payload of a control frame (section 5.5).
inline constexpr std::size_t kWebSocketControlBytes = 125;

// The payload of a close frame: the code, and as much of the reason as fits without cutting a
// character.
std::string websocket_close_payload(std::uint16_t code, std::string_view reason);

// Whether a peer may send this code in a close frame (section 7.4).
bool is_valid_websocket_close_code(std::uint16_t code);

// What the decoder found. `payload` lives until the next call of the decoder.
struct WebSocketEvent {
  enum class Kind {
    need_more,  // every byte was taken; feed again when there are more
    text,       // a whole message, valid UTF-8
    binary,     // a whole message
    ping,       // to be answered by a pong with the same payload
    pong,
    close,   // the peer closes: `code` (1005 when it gave none), and its reason as payload
    failed,  // the peer broke the rules: close with `code`, `payload` says why; feed no more
  };
  Kind kind = Kind::need_more;
  std::uint16_t code = 0;
  std::string_view payload;
};

// Decodes the frames of one peer. A message that lies whole in the bytes fed is not copied; an idle
// decoder owns no buffer.
//
//   for (;;) {
//     const WebSocketEvent event = decoder.next(bytes);  // takes what it used off the front
//     if (event.kind == WebSocketEvent::Kind::need_more) break;
//     ...
//   }
class WebSocketDecoder {
 public:
  // `own_role` decides about masks: a server requires them, a client refuses them (section 5.1).
  WebSocketDecoder(WebSocketRole own_role, std::size_t max_message_bytes);

  // Decodes up to one event. `bytes` is unmasked in place, and shortened to what is not used yet.
  WebSocketEvent next(std::span<char>& bytes);

 private:
  enum class Stage : std::uint8_t { header, payload, failed };

  WebSocketEvent fail(std::uint16_t code, std::string_view reason);
  std::size_t header_size() const;
  std::optional<WebSocketEvent> take_header(std::span<char>& bytes);
  std::optional<WebSocketEvent> parse_header();
  std::optional<std::string_view> take_payload(std::span<char>& bytes);
  WebSocketEvent finish_control(std::string_view payload);
  WebSocketEvent finish_close(std::string_view payload);
  WebSocketEvent finish_message(std::string_view payload);
  bool is_control() const { return (static_cast<std::uint8_t>(opcode_) & 8) != 0; }

  const WebSocketRole own_role_;
  Stage stage_ = Stage::header;
  std::uint8_t header_filled_ = 0;
  std::array<std::uint8_t, 14> header_{};  // the longest: 2, length 8, mask 4
  // The frame whose payload is being read.
  WebSocketOpcode opcode_ = WebSocketOpcode::continuation;
  bool is_final_ = false;
  WebSocketMask mask_{};
  std::uint8_t mask_offset_ = 0;
  std::uint64_t payload_left_ = 0;
  // The message that fragments are being added to; none while it is a continuation.
  WebSocketOpcode message_opcode_ = WebSocketOpcode::continuation;
  const std::size_t max_message_bytes_;
  std::string message_;  // data frames taken so far
  std::string control_;  // a control frame, which may come between fragments
  // Whether the last event showed them: the next call drops them.
  bool message_given_ = false;
  bool control_given_ = false;
};

}  // namespace tombolo::protocol
