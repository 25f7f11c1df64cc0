// Two WebSocket ends joined by simulated wires. What happens to it is what happens to a TCP
// connection: delay, silence, reset, an end that no longer exists, a reader that is slow.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "net/websocket_connection.h"
#include "sim/machine.h"
#include "sim/wires.h"

namespace tombolo::sim {

// One end; what the connection's owner holds keeps it.
class SocketEnd final : public net::WebSocketConnection,
                        public std::enable_shared_from_this<SocketEnd> {
 public:
  SocketEnd(Wires& wires, Machine& machine, std::string client_host, std::string peer_host,
            const net::WebSocketOptions& options);

  static void join(const std::shared_ptr<SocketEnd>& one, const std::shared_ptr<SocketEnd>& other);

  void set_callbacks(net::WebSocketCallbacks callbacks) override;
  void send_text(std::string_view text) override;
  void send_binary(std::string_view) override {}  // nobody does
  void send_frame(net::SharedFrame frame) override;
  void ping() override;
  void flush() override {}
  void close(std::uint16_t code, std::string_view reason) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  bool is_open() const override { return state_ == State::open; }
  std::size_t buffered_bytes() const override;
  std::size_t unacknowledged_bytes() const override;
  const std::string& remote_address() const override { return peer_host_; }
  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  // The connection breaks: this end learns of it now, the other when a reset gets to it.
  void reset();

 private:
  enum class State { open, closing, closed };
  enum class Kind { text, ping, pong, close, reset };
  struct Packet {
    Kind kind = Kind::text;
    std::string text = {};
    std::uint16_t code = 0;
  };
  // What is on its way: the other kernel takes it bit by bit.
  struct Transit {
    std::int64_t begin_us = 0;
    std::int64_t end_us = 0;
    std::size_t bytes = 0;
  };

  bool effective() const;
  void send(Packet packet);
  void schedule_arrival(Packet packet, std::int64_t delay_us);
  void arrive(const Packet& packet);  // at the other end, as far as the wires let it
  void receive(const Packet& packet);
  void take(const Packet& packet);
  void consumed(std::size_t bytes);  // the other end took so much of what was sent
  void ended(std::uint16_t code, std::string_view reason);
  void watch();

  Wires& wires_;
  Machine& machine_;
  const std::shared_ptr<Process> process_;
  const std::shared_ptr<net::Executor> executor_ = process_;
  const std::string client_host_;
  const std::string peer_host_;
  const net::WebSocketOptions options_;
  std::weak_ptr<SocketEnd> peer_;
  std::shared_ptr<SocketEnd> self_;  // while the connection lives
  net::WebSocketCallbacks callbacks_;
  State state_ = State::open;
  bool paused_ = false;
  bool was_full_ = false;
  std::size_t outstanding_bytes_ = 0;  // sent, and not taken by the other end's program
  std::int64_t last_arrival_us_ = 0;   // of what was sent
  std::deque<Transit> transits_;       // those that have not arrived when all goes well
  std::int64_t heard_ms_ = 0;          // when something came last
  std::deque<Packet> inbox_;           // while paused
};

}  // namespace tombolo::sim
