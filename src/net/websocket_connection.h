// An open WebSocket (RFC 6455), of either end: what a server's upgrade and a client's connect give.
//
// It belongs to one executor; every function is for its tasks alone, and the callbacks run there
// (reach it from elsewhere by executor()->post()). What is sent in one turn of the loop leaves in
// one write at the end of the turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/executor.h"
#include "protocol/websocket_close_code.h"

namespace tombolo::net {

using enum protocol::WebSocketCloseCode;

struct WebSocketOptions {
  std::size_t max_message_bytes = 16 * 1024 * 1024;  // of one message, assembled: 1009
  // What may wait for a slow reader. A send beyond it drops the connection with 1013.
  std::size_t max_buffered_bytes = 8 * 1024 * 1024;
  std::int64_t ping_interval_ms = 30'000;  // silence after which the peer is asked; 0: never
  std::int64_t idle_timeout_ms = 75'000;  // silence (not even a pong) that ends it (1006); 0: never
  std::int64_t close_timeout_ms = 5'000;  // for the peer to answer our close frame
};

// Views given to callbacks live for the call. A callback may close, send and replace the callbacks.
struct WebSocketCallbacks {
  std::function<void(std::string_view)> on_text;  // valid UTF-8
  std::function<void(std::string_view)> on_binary;
  std::function<void()> on_heartbeat;  // a ping or a pong came: the peer is there
  // Once, last: the peer's code (or 1005, 1006, or ours when we closed for its fault) and reason.
  std::function<void(std::uint16_t code, std::string_view reason)> on_close;
  // buffered_bytes() fell to zero after it had not been zero at the end of a turn.
  std::function<void()> on_drained;
};

// One encoded, unmasked frame that many connections of a server send without a copy.
using SharedFrame = std::shared_ptr<const std::string>;
SharedFrame make_text_frame(std::string_view text);
SharedFrame make_binary_frame(std::string_view bytes);

class WebSocketConnection {
 public:
  virtual ~WebSocketConnection() = default;

  virtual void set_callbacks(WebSocketCallbacks callbacks) = 0;

  // Sends a message. After close() or once the connection ended it does nothing. Text must be
  // UTF-8.
  virtual void send_text(std::string_view text) = 0;
  virtual void send_binary(std::string_view bytes) = 0;
  // Sends an encoded frame. Only for connections of a server: a client must mask (section 5.3).
  virtual void send_frame(SharedFrame frame) = 0;

  // Asks the peer for a sign of life: on_heartbeat follows when it answers, as every peer does
  // (section 5.5.2).
  virtual void ping() = 0;

  // Writes now what was sent in this turn, instead of at its end.
  virtual void flush() = 0;

  // Starts the closing handshake after what was sent; on_close follows when it is done or its time
  // is up. `reason` is cut to the 123 bytes that fit.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;

  // Stops taking data from the peer (it will be slowed down by TCP) until resumed. Messages that
  // were read already are kept.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  virtual bool is_open() const = 0;                // false from the first close frame, either way
  virtual std::size_t buffered_bytes() const = 0;  // sent, and not taken by the kernel yet
  // Sent, and not known to have arrived at the peer's machine.
  virtual std::size_t unacknowledged_bytes() const = 0;
  virtual const std::string& remote_address() const = 0;
  virtual const std::shared_ptr<Executor>& executor() const = 0;
};

}  // namespace tombolo::net
