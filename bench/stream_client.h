// A blocking WebSocket client, and the little of the stream protocol that load needs: one
// connection from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/websocket_frame.h"

#include "tombolo/result.h"

namespace tombolo::bench {

class StreamClient {
 public:
  // Opens a WebSocket on the loopback port. `authorization`: the header's value, if any.
  static Result<StreamClient> connect(std::uint16_t port, std::string_view path,
                                      std::string_view authorization = {});
  StreamClient(StreamClient&& other) noexcept;
  StreamClient& operator=(StreamClient&&) = delete;
  ~StreamClient();

  // Introduces itself as a node that has read the log up to `watermark`, and takes what follows up
  // to the first final batch, acknowledging as a client does.
  Result<void> begin_stream(const std::string& node, std::int64_t watermark);

  Result<void> send_text(std::string_view text);
  Result<void> send_bytes(std::string_view frames);  // frames made before, by text_frame()

  // The next message; `timeout` after 30 s of silence.
  Result<std::string> next_text();
  // The next message of that type; other messages before it are passed over. Error: protocol, when
  // the server refuses something.
  Result<std::string> next_of_type(std::string_view type);
  // Takes what has arrived, at least one read, and calls `on_text` with each whole message.
  Result<void> take(const std::function<void(std::string_view text)>& on_text);

  int socket() const { return socket_; }

 private:
  explicit StreamClient(int socket);
  Result<void> receive_more();

  int socket_ = -1;
  std::string received_;
  std::size_t used_ = 0;  // bytes of received_ that were decoded
  std::unique_ptr<protocol::WebSocketDecoder> decoder_;
};

// The frame of a client with that text.
std::string text_frame(std::string_view text);

// What a client answers to a batch; empty when the text is none.
std::string acknowledgment_of(std::string_view text);

// The text of a string member, or the digits of an integer one, of a message without looking at the
// rest; empty when there is none. Finds the first member of that name, at any depth.
std::string_view member_text(std::string_view message, std::string_view name);

}  // namespace tombolo::bench
