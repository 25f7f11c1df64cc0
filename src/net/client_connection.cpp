#include "net/client_connection.h"

#include <system_error>
#include <utility>

namespace tombolo::net {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

std::string head_of(const ClientRequest& request, const Url& url, const std::string& target) {
  std::string head =
      request.method + " " + target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\n";
  head += request.headers.text();
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  head += "\r\n";
  return head;
}

}  // namespace

ClientConnection::ClientConnection(std::shared_ptr<IoThread> thread, Url url,
                                   const HttpClientOptions& options,
                                   std::function<void(ClientConnection&)> ended)
    : thread_(std::move(thread)),
      url_(std::move(url)),
      options_(options),
      ended_(std::move(ended)) {}

void ClientConnection::exchange(const ClientRequest& request, const std::string& target,
                                Done done) {
  done_ = std::move(done);
  DeadlineWheel::release(*this);
  parser_.emplace(kMaxHeaderBytes, request.max_body_bytes, request.method == "HEAD");
  output_.append(head_of(request, url_, target));
  output_.append_shared(std::make_shared<const std::string>(request.body));
  if (state_ == State::idle) return begin();

  state_ = State::connecting;
  thread_->loop().join(*this);
  dialer_ = std::make_shared<Dialer>(
      thread_, url_, options_.ca_file, [self = shared_from_this()](Result<StreamSocket> socket) {
        self->dialer_.reset();
        if (!socket) return self->fail_exchange(socket.error().code, socket.error().message, false);
        self->socket_.emplace(std::move(*socket));
        self->begin();
      });
  dialer_->start(options_.connect_timeout_ms);
}

void ClientConnection::begin() {
  state_ = State::busy;
  flush();
  wait_readable();
}

void ClientConnection::flush() {
  if (waits_for_write_ || state_ == State::closed) return;
  // A write that fails is told by the read: the server may have answered before it closed.
  if (output_.flush(*socket_) != IoStatus::would_block) return;
  waits_for_write_ = true;
  socket_->wait_writable([self = shared_from_this()](bool is_open) {
    self->waits_for_write_ = false;
    if (is_open) self->flush();
  });
}

void ClientConnection::wait_readable() {
  if (waits_for_read_ || state_ == State::closed) return;
  waits_for_read_ = true;
  socket_->wait_readable([self = shared_from_this()](bool is_open) {
    self->waits_for_read_ = false;
    if (is_open && self->state_ != State::closed) self->on_readable();
  });
}

void ClientConnection::on_readable() {
  std::vector<char>& buffer = thread_->loop().read_buffer;
  const IoResult result = socket_->read(buffer);
  if (result.status == IoStatus::would_block) return wait_readable();
  if (result.status != IoStatus::done) return on_end(result);
  if (state_ == State::idle) return on_deadline();  // an answer to nothing
  take(std::string_view(buffer.data(), result.bytes));
  wait_readable();
}

void ClientConnection::take(std::string_view bytes) {
  input_ += bytes;
  const ParseOutcome outcome = parser_->feed(input_);
  input_.erase(0, outcome.used);
  if (outcome.kind == ParseOutcome::Kind::complete) return finish();
  if (outcome.kind == ParseOutcome::Kind::need_more) return;
  const bool is_too_large = outcome.status == 413 || outcome.status == 431;
  fail_exchange(
      is_too_large ? ErrorCode::limit_exceeded : ErrorCode::protocol,
      "the answer of " + url_.authority() + " cannot be taken: " + std::string(outcome.problem),
      false);
}

void ClientConnection::on_end(const IoResult& result) {
  if (state_ == State::idle) return on_deadline();
  if (result.status == IoStatus::closed && parser_->has_begun() &&
      parser_->finish().kind == ParseOutcome::Kind::complete) {
    return finish();
  }
  const std::string how = result.status == IoStatus::closed
                              ? "it closed the connection"
                              : std::system_category().message(result.error);
  fail_exchange(ErrorCode::unavailable, url_.authority() + " did not answer to the end: " + how,
                was_used_ && !parser_->has_begun());
}

void ClientConnection::finish() {
  const auto keep = shared_from_this();
  ClientResponse response{parser_->status(), parser_->take_headers(), parser_->take_body()};
  const bool is_clean = parser_->keeps_alive() && input_.empty() && output_.empty();
  const Done done = std::exchange(done_, nullptr);
  parser_.reset();
  was_used_ = true;
  if (is_clean && socket_->is_open()) {
    state_ = State::idle;
    thread_->loop().set_deadline(*this, options_.keep_alive_ms);
    wait_readable();
  } else {
    abort();
  }
  if (done) done(std::move(response), false);
}

void ClientConnection::fail_exchange(ErrorCode code, const std::string& problem, bool may_repeat) {
  const auto keep = shared_from_this();
  const Done done = std::exchange(done_, nullptr);
  abort();
  if (done) done(fail(code, problem), may_repeat);
}

void ClientConnection::on_deadline() {
  const auto keep = shared_from_this();
  abort();
  ended_(*this);
}

void ClientConnection::abort() {
  if (state_ == State::closed) return;
  const auto keep = shared_from_this();
  state_ = State::closed;
  DeadlineWheel::release(*this);
  thread_->loop().leave(*this);
  done_ = nullptr;
  if (dialer_) std::exchange(dialer_, nullptr)->abort();
  if (socket_) socket_->close();
  output_.clear();
}

}  // namespace tombolo::net
