#include "net/dialer.h"

#include <boost/asio/connect.hpp>
#include <utility>

namespace tombolo::net {

namespace asio = boost::asio;
using ErrorValue = boost::system::error_code;

Dialer::Dialer(std::shared_ptr<IoThread> thread, Url url, std::string ca_file, Done done)
    : thread_(std::move(thread)),
      url_(std::move(url)),
      ca_file_(std::move(ca_file)),
      done_(std::move(done)),
      resolver_(thread_->loop().context),
      socket_(thread_->loop().context) {}

void Dialer::start(std::int64_t timeout_ms) {
  thread_->loop().join(*this);
  thread_->loop().set_deadline(*this, timeout_ms);
  ErrorValue not_numeric;
  const auto address = asio::ip::make_address(url_.host, not_numeric);
  if (!not_numeric) {
    const asio::ip::tcp::endpoint endpoint(address, url_.port);
    return connect(Endpoints::create(endpoint, url_.host, std::to_string(url_.port)));
  }
  resolver_.async_resolve(
      url_.host, std::to_string(url_.port),
      [self = shared_from_this()](const ErrorValue& error, const Endpoints& endpoints) {
        if (!self->done_) return;
        if (error) return self->fail_with(ErrorCode::unavailable, error.message());
        self->connect(endpoints);
      });
}

void Dialer::connect(const Endpoints& endpoints) {
  asio::async_connect(
      socket_, endpoints,
      [self = shared_from_this()](const ErrorValue& error, const asio::ip::tcp::endpoint&) {
        if (!self->done_) return;
        if (error) return self->fail_with(ErrorCode::unavailable, error.message());
        if (self->url_.is_secure()) return self->secure();
        self->finish(StreamSocket(self->thread_->loop().poller, std::move(self->socket_)));
      });
}

Result<std::shared_ptr<TlsContext>> Dialer::tls_context() const {
  auto& contexts = thread_->loop().tls_contexts;
  const auto known = contexts.find(ca_file_);
  if (known != contexts.end()) return known->second;
  auto made = TlsContext::make(ca_file_);
  if (made) contexts.emplace(ca_file_, *made);
  return made;
}

void Dialer::secure() {
  auto context = tls_context();
  if (!context) return fail_with(context.error().code, context.error().message);
  tls_ = std::make_unique<TlsStream>(std::move(*context), TlsPeer{url_.host, url_.port},
                                     socket_.native_handle());
  shake_hands();
}

void Dialer::shake_hands() {
  const TlsStream::Step step = tls_->shake_hands();
  if (step == TlsStream::Step::failed) return on_handshake_failure();
  if (step == TlsStream::Step::done) {
    return finish(StreamSocket(thread_->loop().poller, std::move(socket_), std::move(tls_)));
  }
  const auto what = step == TlsStream::Step::wants_read ? asio::ip::tcp::socket::wait_read
                                                        : asio::ip::tcp::socket::wait_write;
  socket_.async_wait(what, [self = shared_from_this()](const ErrorValue& error) {
    if (!self->done_) return;
    if (error) return self->fail_with(ErrorCode::unavailable, error.message());
    self->shake_hands();
  });
}

void Dialer::on_handshake_failure() {
  // The trusted certificates may have been replaced since they were read: the next attempt reads
  // them again.
  if (tls_->distrusts_peer()) thread_->loop().tls_contexts.erase(ca_file_);
  const Error problem = tls_->problem();
  fail_with(problem.code, problem.message);
}

void Dialer::on_deadline() {
  fail_with(ErrorCode::timeout, tls_ ? "the TLS handshake took longer than the time given"
                                     : "no connection in the time given");
}

void Dialer::fail_with(ErrorCode code, const std::string& problem) {
  finish(fail(code, "cannot connect to " + url_.host + " port " + std::to_string(url_.port) + ": " +
                        problem));
}

void Dialer::finish(Result<StreamSocket> result) {
  const auto keep = shared_from_this();
  const Done done = std::exchange(done_, nullptr);
  abort();
  if (done) done(std::move(result));
}

void Dialer::abort() {
  const auto keep = shared_from_this();
  done_ = nullptr;
  DeadlineWheel::release(*this);
  thread_->loop().leave(*this);
  resolver_.cancel();
  ErrorValue ignored;
  socket_.close(ignored);
}

}  // namespace tombolo::net
