// A connected byte stream used without blocking: read and written directly when the loop says that
// it is ready, so that an idle one owns no buffer. Plain, or through TLS.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <sys/uio.h>
#include <utility>

#include "net/io_result.h"
#include "net/tls_stream.h"

namespace tombolo::net {

class StreamSocket {
 public:
  // `tls`, if there is one, has shaken hands over this socket.
  explicit StreamSocket(boost::asio::ip::tcp::socket socket,
                        std::unique_ptr<TlsStream> tls = nullptr);

  IoResult read(std::span<char> into);
  // What would block must be repeated with the same bytes, or more behind them.
  IoResult write(std::span<const iovec> from);

  // Calls `handler(error_code)`, never at once, when a read, or a write, may do something.
  template <typename Handler>
  void wait_readable(Handler handler) {
    if (tls_ && tls_->has_unread()) {
      boost::asio::post(socket_.get_executor(), [handler = std::move(handler)]() mutable {
        handler(boost::system::error_code());
      });
      return;
    }
    const bool waits_to_write = tls_ && tls_->read_wants_write();
    socket_.async_wait(waits_to_write ? boost::asio::ip::tcp::socket::wait_write
                                      : boost::asio::ip::tcp::socket::wait_read,
                       std::move(handler));
  }
  template <typename Handler>
  void wait_writable(Handler handler) {
    const bool waits_to_read = tls_ && tls_->write_wants_read();
    socket_.async_wait(waits_to_read ? boost::asio::ip::tcp::socket::wait_read
                                     : boost::asio::ip::tcp::socket::wait_write,
                       std::move(handler));
  }

  // Of what was written, how much the peer's machine has not acknowledged; 0 when that is unknown.
  std::size_t unacknowledged_bytes() const;

  void finish_writing();  // tells the peer that nothing follows
  void close();           // cancels what waits for the socket
  bool is_open() const { return socket_.is_open(); }

 private:
  mutable boost::asio::ip::tcp::socket socket_;  // const functions only look at it
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace tombolo::net
