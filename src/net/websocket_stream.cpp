#include "net/websocket_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "os/entropy.h"

namespace tombolo::net {

using protocol::WebSocketEvent;
using protocol::WebSocketOpcode;
using protocol::WebSocketRole;

namespace {

SharedFrame make_frame(WebSocketOpcode opcode, std::string_view payload) {
  constexpr std::size_t kLongestHeader = 14;
  std::string frame;
  frame.reserve(payload.size() + kLongestHeader);
  protocol::append_websocket_frame(frame, opcode, payload, std::nullopt);
  return std::make_shared<const std::string>(std::move(frame));
}

}  // namespace

SharedFrame make_text_frame(std::string_view text) {
  return make_frame(WebSocketOpcode::text, text);
}

SharedFrame make_binary_frame(std::string_view bytes) {
  return make_frame(WebSocketOpcode::binary, bytes);
}

WebSocketStream::WebSocketStream(std::shared_ptr<IoThread> thread, StreamSocket socket,
                                 WebSocketRole role, const WebSocketOptions& options,
                                 std::string remote_address)
    : thread_(std::move(thread)),
      socket_(std::move(socket)),
      role_(role),
      options_(options),
      remote_address_(std::move(remote_address)),
      callbacks_(std::make_shared<WebSocketCallbacks>()),
      decoder_(role, options.max_message_bytes) {}

WebSocketStream::~WebSocketStream() = default;

void WebSocketStream::start(OutputQueue output) {
  thread_->loop().join(*this);
  output_ = std::move(output);
  if (!output_.empty()) write_at_turn_end();
  set_keep_alive_deadline();
  wait_readable();
}

void WebSocketStream::set_callbacks(WebSocketCallbacks callbacks) {
  callbacks_ = std::make_shared<WebSocketCallbacks>(std::move(callbacks));
}

void WebSocketStream::send_text(std::string_view text) {
  send(WebSocketOpcode::text, text);
}

void WebSocketStream::send_binary(std::string_view bytes) {
  send(WebSocketOpcode::binary, bytes);
}

void WebSocketStream::send_frame(SharedFrame frame) {
  TOMBOLO_CHECK(role_ == WebSocketRole::server, "a client must mask every frame for itself");
  if (state_ != State::open) return;
  output_.append_shared(std::move(frame));
  check_bound();
  write_at_turn_end();
}

void WebSocketStream::send(WebSocketOpcode opcode, std::string_view payload) {
  if (state_ != State::open) return;
  append_frame(opcode, payload);
  check_bound();
  write_at_turn_end();
}

void WebSocketStream::append_frame(WebSocketOpcode opcode, std::string_view payload) {
  thread_local std::string frame;
  constexpr std::size_t kKeptBytes = 256 * 1024;
  frame.clear();
  std::optional<protocol::WebSocketMask> mask;
  if (role_ == WebSocketRole::client) os::SystemRandom().fill(mask.emplace());
  protocol::append_websocket_frame(frame, opcode, payload, mask);
  output_.append(frame);
  if (frame.capacity() > kKeptBytes) frame = {};
}

void WebSocketStream::check_bound() {
  if (output_.size() <= options_.max_buffered_bytes) return;
  // What one turn sends may be more than the bound as long as the kernel takes it.
  flush();
  if (output_.size() > options_.max_buffered_bytes) ending_code_ = kCloseTryAgainLater;
  if (ending_code_ != 0) state_ = State::finishing;
}

void WebSocketStream::write_at_turn_end() {
  if (writes_at_turn_end_ || state_ == State::ended) return;
  writes_at_turn_end_ = true;
  thread_->loop().at_turn_end(shared_from_this());
}

void WebSocketStream::on_turn_end() {
  writes_at_turn_end_ = false;
  if (state_ == State::ended) return;
  if (ending_code_ == 0) flush();
  if (ending_code_ != 0) return end(ending_code_, {});
  if (state_ == State::finishing && output_.empty()) finish_stream();
}

void WebSocketStream::flush() {
  if (state_ == State::ended || waits_for_write_) return;
  const IoStatus status = output_.flush(socket_);
  if (status == IoStatus::would_block) return wait_writable();
  if (status == IoStatus::done) return;
  ending_code_ = kCloseAbnormal;
  write_at_turn_end();
}

void WebSocketStream::wait_writable() {
  waits_for_write_ = true;
  socket_.wait_writable([self = shared_from_this()](bool is_open) {
    self->waits_for_write_ = false;
    if (!is_open || self->state_ == State::ended) return;
    self->on_turn_end();
    if (!self->output_.empty() || self->state_ != State::open) return;
    const auto callbacks = self->callbacks_;
    if (callbacks->on_drained) callbacks->on_drained();
  });
}

void WebSocketStream::wait_readable() {
  if (waits_for_read_ || state_ == State::ended) return;
  if (is_paused_ && state_ == State::open) return;
  waits_for_read_ = true;
  socket_.wait_readable([self = shared_from_this()](bool is_open) {
    self->waits_for_read_ = false;
    if (is_open) self->on_readable();
  });
}

void WebSocketStream::on_readable() {
  if (state_ == State::ended || (is_paused_ && state_ == State::open)) return;
  std::vector<char>& buffer = thread_->loop().read_buffer;
  const IoResult result = socket_.read(buffer);
  if (result.status == IoStatus::would_block) return wait_readable();
  if (result.status != IoStatus::done) return end(kCloseAbnormal, {});
  heard_ = true;
  if (!discards_input_) decode(std::span(buffer).first(result.bytes));
  wait_readable();
}

void WebSocketStream::receive(std::string_view bytes) {
  std::string copy(bytes);
  decode(copy);
}

void WebSocketStream::resume_reading() {
  if (!is_paused_) return;
  is_paused_ = false;
  thread_->post([self = shared_from_this()] {
    if (self->is_paused_ || self->state_ == State::ended) return;
    std::string pending = std::exchange(self->pending_, {});
    self->decode(pending);
    self->wait_readable();
  });
}

void WebSocketStream::decode(std::span<char> bytes) {
  while (state_ != State::ended && !discards_input_) {
    if (is_paused_ && state_ == State::open) {
      pending_.append(bytes.data(), bytes.size());
      return;
    }
    if (!handle(decoder_.next(bytes))) return;
  }
}

bool WebSocketStream::handle(const WebSocketEvent& event) {
  const auto callbacks = callbacks_;  // a callback may replace them
  switch (event.kind) {
    case WebSocketEvent::Kind::need_more:
      return false;
    case WebSocketEvent::Kind::text:
      if (state_ == State::open && callbacks->on_text) callbacks->on_text(event.payload);
      return true;
    case WebSocketEvent::Kind::binary:
      if (state_ == State::open && callbacks->on_binary) callbacks->on_binary(event.payload);
      return true;
    case WebSocketEvent::Kind::ping:
      send(WebSocketOpcode::pong, event.payload);
      if (state_ == State::open && callbacks->on_heartbeat) callbacks->on_heartbeat();
      return true;
    case WebSocketEvent::Kind::pong:
      if (state_ == State::open && callbacks->on_heartbeat) callbacks->on_heartbeat();
      return true;
    case WebSocketEvent::Kind::close:
      on_peer_close(event.code, event.payload);
      return false;
    case WebSocketEvent::Kind::failed:
      on_peer_fault(event.code, event.payload);
      return false;
  }
  return false;
}

void WebSocketStream::ping() {
  if (state_ == State::open) send(WebSocketOpcode::ping, {});
}

std::size_t WebSocketStream::unacknowledged_bytes() const {
  return output_.size() + (state_ == State::ended ? 0 : socket_.unacknowledged_bytes());
}

void WebSocketStream::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::open) return;
  append_frame(WebSocketOpcode::close, protocol::websocket_close_payload(code, reason));
  state_ = State::closing;
  thread_->loop().set_deadline(*this, options_.close_timeout_ms);
  write_at_turn_end();
  resume_reading();  // the peer's close frame may stand behind what was held back
  wait_readable();
}

void WebSocketStream::on_peer_close(std::uint16_t code, std::string_view reason) {
  discards_input_ = true;
  if (state_ == State::open) {
    const bool has_code = code != kCloseNoStatus;
    append_frame(WebSocketOpcode::close,
                 has_code ? protocol::websocket_close_payload(code, {}) : std::string());
  }
  state_ = State::finishing;
  thread_->loop().set_deadline(*this, options_.close_timeout_ms);
  write_at_turn_end();
  report_close(code, reason);
}

void WebSocketStream::on_peer_fault(std::uint16_t code, std::string_view problem) {
  discards_input_ = true;
  if (state_ == State::open) {
    append_frame(WebSocketOpcode::close, protocol::websocket_close_payload(code, problem));
  }
  state_ = State::finishing;
  lingers_ = true;
  thread_->loop().set_deadline(*this, options_.close_timeout_ms);
  write_at_turn_end();
  report_close(code, problem);
}

// All is written. The server ends the stream first (section 7.1.1); a client waits for that. After
// a fault the peer may still be sending: a reset could overtake our close frame.
void WebSocketStream::finish_stream() {
  if (role_ == WebSocketRole::server && !lingers_) return end(kCloseAbnormal, {});
  if (lingers_) socket_.finish_writing();
  wait_readable();
}

void WebSocketStream::report_close(std::uint16_t code, std::string_view reason) {
  if (has_reported_) return;
  has_reported_ = true;
  const auto callbacks = std::exchange(callbacks_, std::make_shared<WebSocketCallbacks>());
  if (callbacks->on_close) callbacks->on_close(code, reason);
}

// The stream is over, in whichever way; `code` counts if none was reported yet.
void WebSocketStream::end(std::uint16_t code, std::string_view reason) {
  if (state_ == State::ended) return;
  const auto keep = shared_from_this();
  state_ = State::ended;
  DeadlineWheel::release(*this);
  thread_->loop().leave(*this);
  socket_.close();
  output_.clear();
  pending_ = {};
  report_close(code, reason);
  ticket_.reset();
}

void WebSocketStream::set_keep_alive_deadline() {
  const bool pings = options_.ping_interval_ms > 0;
  const bool expires = options_.idle_timeout_ms > 0;
  if (!pings && !expires) return;
  std::int64_t delay_ms = pings ? options_.ping_interval_ms : options_.idle_timeout_ms;
  if (expires) delay_ms = std::min(delay_ms, options_.idle_timeout_ms - silent_ms_);
  next_look_ms_ = delay_ms;
  thread_->loop().set_deadline(*this, delay_ms);
}

void WebSocketStream::on_deadline() {
  const auto keep = shared_from_this();
  if (state_ != State::open) return end(kCloseAbnormal, {});
  silent_ms_ = heard_ ? 0 : silent_ms_ + next_look_ms_;
  heard_ = false;
  if (options_.idle_timeout_ms > 0 && silent_ms_ >= options_.idle_timeout_ms) {
    return end(kCloseAbnormal, "the peer is silent");
  }
  if (options_.ping_interval_ms > 0 && silent_ms_ >= options_.ping_interval_ms) {
    send(WebSocketOpcode::ping, {});
  }
  set_keep_alive_deadline();
}

}  // namespace tombolo::net
