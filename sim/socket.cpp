#include "sim/socket.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "protocol/websocket_frame.h"

namespace tombolo::sim {
namespace {

constexpr std::size_t kWindowBytes = 64 * 1024;  // that the two kernels take before anybody reads
constexpr std::int64_t kRetransmitUs = 400'000;
constexpr std::size_t kControlBytes = 8;

}  // namespace

SocketEnd::SocketEnd(Wires& wires, Machine& machine, std::string client_host, std::string peer_host,
                     const net::WebSocketOptions& options)
    : wires_(wires),
      machine_(machine),
      process_(machine.process()),
      client_host_(std::move(client_host)),
      peer_host_(std::move(peer_host)),
      options_(options),
      heard_ms_(wires.world().now_ms()) {}

void SocketEnd::join(const std::shared_ptr<SocketEnd>& one,
                     const std::shared_ptr<SocketEnd>& other) {
  for (const auto& [end, peer] : {std::pair(one, other), std::pair(other, one)}) {
    end->peer_ = peer;
    end->self_ = end;
    end->machine_.at_death([weak = std::weak_ptr(end)](Death how) {
      const auto dead = weak.lock();
      if (!dead || dead->state_ == State::closed) return;
      dead->state_ = State::closed;
      dead->callbacks_ = {};
      if (how == Death::killed) dead->schedule_arrival({.kind = Kind::reset}, 0);
      dead->self_.reset();
    });
    end->watch();
  }
}

bool SocketEnd::effective() const {
  return process_->alive() && machine_.is_effective();
}

void SocketEnd::set_callbacks(net::WebSocketCallbacks callbacks) {
  callbacks_ = std::move(callbacks);
}

void SocketEnd::send_text(std::string_view text) {
  if (state_ == State::open) send({.text = std::string(text)});
}

void SocketEnd::send_frame(net::SharedFrame frame) {
  if (state_ != State::open) return;
  std::string copy = *frame;
  std::span<char> bytes(copy);
  protocol::WebSocketDecoder decoder(protocol::WebSocketRole::client, copy.size());
  const protocol::WebSocketEvent event = decoder.next(bytes);
  TOMBOLO_CHECK(event.kind == protocol::WebSocketEvent::Kind::text, "servers send whole texts");
  send({.text = std::string(event.payload)});
}

std::size_t SocketEnd::buffered_bytes() const {
  return outstanding_bytes_ > kWindowBytes ? outstanding_bytes_ - kWindowBytes : 0;
}

std::size_t SocketEnd::unacknowledged_bytes() const {
  const std::int64_t now_us = wires_.world().now_us();
  std::size_t bytes = 0;
  for (const Transit& transit : transits_) {
    if (transit.end_us <= now_us) continue;
    const std::int64_t left_us = transit.end_us - std::max(now_us, transit.begin_us);
    bytes += transit.bytes * static_cast<std::size_t>(left_us) /
             static_cast<std::size_t>(transit.end_us - transit.begin_us);
  }
  return bytes;
}

void SocketEnd::ping() {
  if (state_ == State::open) send({.kind = Kind::ping});
}

void SocketEnd::send(Packet packet) {
  if (!effective()) return;
  if (wires_.happens(wires_.conditions(client_host_).breaks)) {
    ++wires_.counts.broken;
    // Not from within the caller, as a kernel would not.
    wires_.world().after_us(1, [self = shared_from_this()] { self->reset(); });
    return;
  }
  const std::size_t bytes = packet.text.size() + kControlBytes;
  outstanding_bytes_ += bytes;
  was_full_ = was_full_ || buffered_bytes() > 0;
  if (buffered_bytes() > options_.max_buffered_bytes) {
    wires_.world().after_us(1, [self = shared_from_this()] {
      self->schedule_arrival({.kind = Kind::reset}, 0);
      self->process_->run([&] { self->ended(net::kCloseTryAgainLater, "too slow"); });
    });
    return;
  }
  const std::int64_t begin_us = std::max(wires_.world().now_us(), last_arrival_us_);
  schedule_arrival(std::move(packet), wires_.travel_us(client_host_, bytes));
  while (!transits_.empty() && transits_.front().end_us <= wires_.world().now_us()) {
    transits_.pop_front();
  }
  transits_.push_back({begin_us, std::max(begin_us + 1, last_arrival_us_), bytes});
}

// In the order in which it was sent, however long each takes.
void SocketEnd::schedule_arrival(Packet packet, std::int64_t delay_us) {
  World& world = wires_.world();
  last_arrival_us_ = std::max(last_arrival_us_ + 1, world.now_us() + delay_us);
  world.after_us(last_arrival_us_ - world.now_us(),
                 [self = shared_from_this(), packet = std::move(packet)] { self->arrive(packet); });
}

void SocketEnd::arrive(const Packet& packet) {
  const auto peer = peer_.lock();
  if (!peer || peer->state_ == State::closed) {
    // Somebody is there, but not the one it was for.
    const bool answered =
        !peer || (peer->machine_.answers() && wires_.connected(peer_host_, machine_.name()));
    if (answered && packet.kind != Kind::reset && state_ != State::closed) {
      process_->run([this] { ended(net::kCloseAbnormal, "reset"); });
    }
    return;
  }
  if (!wires_.connected(machine_.name(), peer_host_)) {
    // It is sent again and again, and all that comes after it waits.
    World& world = wires_.world();
    last_arrival_us_ = std::max(last_arrival_us_, world.now_us() + kRetransmitUs);
    world.after_us(kRetransmitUs, [self = shared_from_this(), packet] { self->arrive(packet); });
    return;
  }
  peer->receive(packet);
}

void SocketEnd::receive(const Packet& packet) {
  heard_ms_ = wires_.world().now_ms();
  if (packet.kind == Kind::reset) {
    process_->run([this] { ended(net::kCloseAbnormal, "reset"); });
  } else if (paused_ || !inbox_.empty()) {
    inbox_.push_back(packet);
  } else {
    process_->run([this, &packet] { take(packet); });
  }
}

void SocketEnd::take(const Packet& packet) {
  const auto keep = shared_from_this();
  if (const auto peer = peer_.lock()) peer->consumed(packet.text.size() + kControlBytes);
  if (state_ == State::closed) return;
  switch (packet.kind) {
    case Kind::text:
      wires_.tap(peer_host_, machine_.name(), packet.text);
      if (const auto on_text = callbacks_.on_text) on_text(packet.text);
      return;
    case Kind::ping:
      send({.kind = Kind::pong});
      if (const auto on_heartbeat = callbacks_.on_heartbeat) on_heartbeat();
      return;
    case Kind::close:
      if (state_ == State::open)
        send({.kind = Kind::close, .text = packet.text, .code = packet.code});
      return ended(packet.code, packet.text);
    case Kind::pong:
      if (const auto on_heartbeat = callbacks_.on_heartbeat) on_heartbeat();
      return;
    case Kind::reset:
      return;
  }
}

void SocketEnd::consumed(std::size_t bytes) {
  outstanding_bytes_ -= std::min(bytes, outstanding_bytes_);
  if (!was_full_ || buffered_bytes() > 0) return;
  was_full_ = false;
  process_->post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->state_ == State::closed) return;
    if (const auto on_drained = self->callbacks_.on_drained) on_drained();
  });
}

void SocketEnd::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  process_->post([self = shared_from_this()] {
    while (!self->paused_ && !self->inbox_.empty() && self->state_ != State::closed) {
      const Packet packet = std::move(self->inbox_.front());
      self->inbox_.pop_front();
      self->take(packet);
    }
  });
}

void SocketEnd::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::open) return;
  send({.kind = Kind::close, .text = std::string(reason), .code = code});
  state_ = State::closing;
  process_->schedule(options_.close_timeout_ms, [self = shared_from_this(), code] {
    self->ended(code, "no answer to the close frame");
  });
}

void SocketEnd::reset() {
  if (state_ == State::closed) return;
  schedule_arrival({.kind = Kind::reset}, 0);
  process_->run([this] { ended(net::kCloseAbnormal, "reset"); });
}

void SocketEnd::ended(std::uint16_t code, std::string_view reason) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  inbox_.clear();
  const auto keep = std::exchange(self_, nullptr);
  const net::WebSocketCallbacks callbacks = std::exchange(callbacks_, {});
  if (callbacks.on_close) callbacks.on_close(code, reason);
}

void SocketEnd::watch() {
  if (options_.ping_interval_ms <= 0) return;
  process_->schedule(options_.ping_interval_ms, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->state_ == State::closed) return;
    const std::int64_t silent_ms = self->wires_.world().now_ms() - self->heard_ms_;
    if (self->options_.idle_timeout_ms > 0 && silent_ms >= self->options_.idle_timeout_ms) {
      return self->ended(net::kCloseAbnormal, "silence");
    }
    if (silent_ms >= self->options_.ping_interval_ms) self->send({.kind = Kind::ping});
    self->watch();
  });
}

}  // namespace tombolo::sim
