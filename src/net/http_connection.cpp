#include "net/http_connection.h"

#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "net/http_date.h"
#include "net/websocket_handshake.h"
#include "net/websocket_stream.h"

namespace tombolo::net {
namespace {

constexpr std::size_t kPipelinedOutputBytes =
    1024 * 1024;  // more requests wait until it is written
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kSpareParsers = 8;

// Parsers that are done, for the next request of the same thread.
std::vector<std::unique_ptr<RequestParser>>& spare_parsers() {
  thread_local std::vector<std::unique_ptr<RequestParser>> parsers;
  return parsers;
}

std::string_view to_text(std::uint64_t number, std::array<char, 24>& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

void append_status_line(std::string& head, int status) {
  std::array<char, 24> buffer{};
  head += "HTTP/1.1 ";
  head += to_text(static_cast<std::uint64_t>(status), buffer);
  head += ' ';
  head += reason_of(status);
  head += "\r\n";
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<IoThread> thread,
                               std::shared_ptr<const HttpContext> context, ConnectionTicket ticket,
                               boost::asio::ip::tcp::socket socket, std::string remote_address)
    : thread_(std::move(thread)),
      context_(std::move(context)),
      ticket_(std::move(ticket)),
      socket_(thread_->loop().poller, std::move(socket)),
      remote_address_(std::move(remote_address)) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  thread_->loop().join(*this);
  keep_waiting_for_request();
  wait_readable();
}

void HttpConnection::wait_readable() {
  if (waits_for_read_ || state_ == State::closed) return;
  waits_for_read_ = true;
  socket_.wait_readable([self = shared_from_this()](bool is_open) {
    self->waits_for_read_ = false;
    if (is_open) self->on_readable();
  });
}

void HttpConnection::wait_writable() {
  if (state_ == State::closed) return;
  thread_->loop().set_deadline(*this, context_->limits.write_timeout_ms);
  if (waits_for_write_) return;
  waits_for_write_ = true;
  socket_.wait_writable([self = shared_from_this()](bool is_open) {
    self->waits_for_write_ = false;
    if (is_open && self->state_ != State::closed) self->flush();
  });
}

void HttpConnection::on_readable() {
  if (state_ == State::closed) return;
  // A request that is being answered must not be overtaken; TCP slows the peer down meanwhile.
  if (state_ != State::idle && state_ != State::receiving && state_ != State::lingering) return;
  std::vector<char>& buffer = thread_->loop().read_buffer;
  const IoResult result = socket_.read(buffer);
  if (result.status == IoStatus::would_block) return wait_readable();
  if (result.status != IoStatus::done) return close();
  if (state_ == State::lingering) return wait_readable();
  process(std::string_view(buffer.data(), result.bytes));
}

// Takes as many requests as are there and answered at once. `bytes` may be a part of `input_`'s
// past: what is left of it is kept there.
void HttpConnection::process(std::string_view bytes) {
  std::string joined;
  if (!input_.empty()) {
    joined = std::exchange(input_, {});
    joined += bytes;
    bytes = joined;
  }
  is_processing_ = true;
  while (!bytes.empty() && process_one(bytes)) {
    // A peer that sends requests without reading answers waits here, not in our memory.
    if (output_.size() >= kPipelinedOutputBytes && output_.flush(socket_) != IoStatus::done) break;
  }
  is_processing_ = false;
  if (state_ == State::closed) return;
  if (state_ != State::draining) input_.assign(bytes);
  if (state_ == State::upgrading) return finish_upgrade();
  flush();
}

// Whether to go on with what is left.
bool HttpConnection::process_one(std::string_view& bytes) {
  if (state_ == State::idle) begin_request();
  const ParseOutcome outcome = parser_->feed(bytes);
  bytes.remove_prefix(outcome.used);
  if (outcome.kind == ParseOutcome::Kind::failed) {
    refuse(outcome.status, outcome.problem);
    return false;
  }
  if (outcome.kind == ParseOutcome::Kind::need_more) {
    if (!parser_->has_headers() || has_seen_headers_) return false;
    has_seen_headers_ = true;
    thread_->loop().set_deadline(*this, context_->limits.body_timeout_ms);
    if (parser_->expects_continue()) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
    return false;
  }
  dispatch();
  return state_ == State::idle;
}

void HttpConnection::begin_request() {
  state_ = State::receiving;
  has_seen_headers_ = false;
  thread_->loop().set_deadline(*this, context_->limits.header_timeout_ms);
  auto& spare = spare_parsers();
  if (spare.empty()) {
    parser_ = std::make_unique<RequestParser>(context_->limits);
  } else {
    parser_ = std::move(spare.back());
    spare.pop_back();
    parser_->restart(context_->limits);
  }
}

void HttpConnection::keep_waiting_for_request() {
  state_ = State::idle;
  thread_->loop().set_deadline(*this, context_->limits.idle_timeout_ms);
}

void HttpConnection::dispatch() {
  state_ = State::handling;
  DeadlineWheel::clear(*this);  // the handler sets its own limits
  closes_after_answer_ = closes_after_answer_ || !parser_->keeps_alive();
  HttpRequest request = parser_->take();
  auto& spare = spare_parsers();
  if (spare.size() < kSpareParsers) spare.push_back(std::move(parser_));
  parser_.reset();

  method_ = request.method();
  request.remote_address = remote_address_;
  handshake_problem_ = 400;
  if (request.headers.contains("Sec-WebSocket-Key") || request.headers.contains("Upgrade")) {
    HandshakeCheck check = check_handshake(request);
    handshake_problem_ = check.status == 101 ? 0 : check.status;
    handshake_key_ = std::move(check.accept);
  }
  try {
    context_->handler(std::move(request), HttpResponder(shared_from_this()));
  } catch (const std::exception& problem) {
    // Its responder went with it and has answered 500.
    context_->logger->log(LogLevel::error, "http_handler_threw",
                          {{"problem", Value(problem.what())}});
  }
}

void HttpConnection::refuse(int status, std::string_view problem) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::string(problem) + "\n";
  method_ = HttpMethod::get;
  closes_after_answer_ = lingers_ = true;
  append_response(response);
  state_ = State::draining;
}

void HttpConnection::append_response(HttpResponse& response) {
  thread_local std::string head;
  std::array<char, 24> buffer{};
  head.clear();
  append_status_line(head, response.status);
  head += response.headers.text();
  head += "Date: ";
  head += current_http_date();
  head += "\r\n";
  const bool bodiless = has_no_body(response.status);
  if (!bodiless) {
    head += "Content-Length: ";
    head += to_text(response.body.size(), buffer);
    head += "\r\n";
  }
  if (closes_after_answer_) head += "Connection: close\r\n";
  head += "\r\n";
  output_.append(head);
  if (!bodiless && method_ != HttpMethod::head) append_body(response.body);
}

void HttpConnection::append_body(HttpBody& body) {
  constexpr std::size_t kCopiedBodyBytes = 16 * 1024;
  if (body.size() <= kCopiedBodyBytes) return output_.append(body.view());
  output_.append_shared(body.release());
}

void HttpConnection::deliver(HttpResponse response) {
  if (state_ != State::handling) return;  // the connection is gone
  append_response(response);
  continue_after_answer();
}

void HttpConnection::continue_after_answer() {
  handshake_key_ = {};
  if (closes_after_answer_) {
    state_ = State::draining;
  } else {
    keep_waiting_for_request();
  }
  if (is_processing_) return;
  if (state_ == State::idle && !input_.empty()) return process({});
  flush();
}

void HttpConnection::flush() {
  const IoStatus status = output_.flush(socket_);
  if (status == IoStatus::would_block) return wait_writable();
  if (status != IoStatus::done) return close();
  after_flush();
}

void HttpConnection::after_flush() {
  switch (state_) {
    case State::idle:
      if (!input_.empty()) return process({});  // it waited for the output to shrink
      thread_->loop().set_deadline(*this, context_->limits.idle_timeout_ms);
      return wait_readable();
    case State::receiving:
      return wait_readable();
    case State::draining:
      return lingers_ ? linger() : close();
    case State::handling:
    case State::upgrading:
    case State::lingering:
    case State::closed:
      return;
  }
}

// Closing at once would reset the connection while the peer still sends, and the reset can overtake
// the answer (RFC 9112 section 9.6).
void HttpConnection::linger() {
  state_ = State::lingering;
  socket_.finish_writing();
  thread_->loop().set_deadline(*this, kLingerMs);
  wait_readable();
}

void HttpConnection::on_deadline() {
  const auto keep = shared_from_this();
  if (waits_for_write_) return close();
  if (state_ == State::receiving) {
    refuse(408, "the request did not arrive in time");
    return flush();
  }
  close();
}

void HttpConnection::wind_down() {
  closes_after_answer_ = true;
  if (state_ == State::idle && output_.empty() && input_.empty()) return close();
  if (state_ == State::idle) state_ = State::draining;
}

void HttpConnection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  const auto keep = shared_from_this();
  DeadlineWheel::release(*this);
  thread_->loop().leave(*this);
  socket_.close();
  output_.clear();
  input_ = {};
  parser_.reset();
  ticket_.reset();
}

void HttpConnection::upgrade(const WebSocketOptions& options, HttpHeaders headers,
                             WebSocketOpened opened) {
  if (state_ != State::handling) return;
  if (handshake_problem_ != 0) {
    HttpResponse response;
    response.status = handshake_problem_;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    if (handshake_problem_ == 426) {
      response.headers.add("Upgrade", "websocket");
      response.headers.add("Connection", "Upgrade");
      response.headers.add("Sec-WebSocket-Version", "13");
    }
    response.body = "this address is for WebSockets (RFC 6455, version 13)\n";
    return deliver(std::move(response));
  }
  std::string head;
  append_status_line(head, 101);
  head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  head += handshake_key_;
  head += "\r\n";
  head += headers.text();
  head += "\r\n";
  output_.append(head);
  state_ = State::upgrading;
  websocket_options_ = std::make_unique<WebSocketOptions>(options);
  websocket_opened_ = std::move(opened);
  // Inside process() the bytes behind the request are not in `input_` yet; it goes on itself.
  if (!is_processing_) finish_upgrade();
}

void HttpConnection::finish_upgrade() {
  const auto keep = shared_from_this();
  auto stream = std::make_shared<WebSocketStream>(thread_, std::move(socket_),
                                                  protocol::WebSocketRole::server,
                                                  *websocket_options_, remote_address_);
  stream->hold(std::move(ticket_));
  const WebSocketOpened opened = std::move(websocket_opened_);
  const std::string input = std::move(input_);
  OutputQueue output = std::move(output_);
  close();
  stream->start(std::move(output));
  opened(stream);
  stream->receive(input);
}

}  // namespace tombolo::net
