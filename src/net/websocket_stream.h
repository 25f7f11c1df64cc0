// A WebSocket over a connected stream: drives the pure codec, and keeps the closing handshake, the
// bounds and the deadlines. The same for both ends; the opening handshake happened before.
//
// No callback runs inside a call of the owner's: what a send finds out (the peer is gone, the
// buffer is full) is told at the end of the turn.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/loop.h"
#include "net/output_queue.h"
#include "net/stream_socket.h"
#include "net/websocket_connection.h"
#include "protocol/websocket_frame.h"

namespace tombolo::net {

class WebSocketStream final : public WebSocketConnection,
                              public LoopMember,
                              public TurnEnd,
                              public Deadline,
                              public std::enable_shared_from_this<WebSocketStream> {
 public:
  WebSocketStream(std::shared_ptr<IoThread> thread, StreamSocket socket,
                  protocol::WebSocketRole role, const WebSocketOptions& options,
                  std::string remote_address);
  ~WebSocketStream() override;

  // Keeps something for as long as the connection is open.
  void hold(std::shared_ptr<void> ticket) { ticket_ = std::move(ticket); }

  // Joins the loop and begins to read; `output` goes out first (the answer to the handshake).
  void start(OutputQueue output);

  // Takes bytes that were received already.
  void receive(std::string_view bytes);

  void set_callbacks(WebSocketCallbacks callbacks) override;
  void send_text(std::string_view text) override;
  void send_binary(std::string_view bytes) override;
  void send_frame(SharedFrame frame) override;
  void ping() override;
  void flush() override;
  void close(std::uint16_t code, std::string_view reason) override;
  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override;
  bool is_open() const override { return state_ == State::open; }
  std::size_t buffered_bytes() const override { return output_.size(); }
  std::size_t unacknowledged_bytes() const override;
  const std::string& remote_address() const override { return remote_address_; }
  const std::shared_ptr<Executor>& executor() const override { return executor_; }

  void abort() override { end(kCloseAbnormal, {}); }
  void wind_down() override { close(kCloseGoingAway, "the server stops"); }
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }
  void on_turn_end() override;
  void on_deadline() override;

 private:
  enum class State {
    open,
    closing,    // we sent a close frame and wait for the peer's
    finishing,  // both sent theirs: what is queued is written, then the stream ends
    ended,
  };

  void send(protocol::WebSocketOpcode opcode, std::string_view payload);
  void append_frame(protocol::WebSocketOpcode opcode, std::string_view payload);
  void check_bound();
  void write_at_turn_end();
  void wait_readable();
  void wait_writable();
  void on_readable();
  void decode(std::span<char> bytes);
  bool handle(const protocol::WebSocketEvent& event);
  void on_peer_close(std::uint16_t code, std::string_view reason);
  void on_peer_fault(std::uint16_t code, std::string_view problem);
  void finish_stream();
  void report_close(std::uint16_t code, std::string_view reason);
  void end(std::uint16_t code, std::string_view reason);
  void set_keep_alive_deadline();

  const std::shared_ptr<IoThread> thread_;
  const std::shared_ptr<Executor> executor_ = thread_;
  StreamSocket socket_;
  const protocol::WebSocketRole role_;
  const WebSocketOptions options_;
  const std::string remote_address_;
  std::shared_ptr<void> ticket_;
  std::shared_ptr<WebSocketCallbacks> callbacks_;
  protocol::WebSocketDecoder decoder_;
  OutputQueue output_;
  std::string pending_;  // received while reading is paused

  State state_ = State::open;
  bool is_paused_ = false;
  bool waits_for_read_ = false;
  bool waits_for_write_ = false;
  bool writes_at_turn_end_ = false;
  bool discards_input_ = false;  // the peer broke the rules: only the end of its stream matters
  bool lingers_ = false;         // after our last byte, wait for the peer's end
  bool has_reported_ = false;
  std::uint16_t ending_code_ = 0;  // to be ended with this code at the end of the turn
  bool heard_ = false;             // anything, since the last look
  std::int64_t silent_ms_ = 0;
  std::int64_t next_look_ms_ = 0;  // the time between the last look and the next
};

}  // namespace tombolo::net
