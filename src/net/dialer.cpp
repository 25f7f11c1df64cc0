#include "net/dialer.h"

#include <boost/asio/connect.hpp>
#include <utility>

namespace tombolo::net {

namespace asio = boost::asio;
using ErrorValue = boost::system::error_code;

Dialer::Dialer(std::shared_ptr<IoThread> thread, Url url, Done done)
    : thread_(std::move(thread)),
      url_(std::move(url)),
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
        self->finish(StreamSocket(std::move(self->socket_)));
      });
}

void Dialer::on_deadline() {
  fail_with(ErrorCode::timeout, "no connection in the time given");
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
