// A connected byte stream used without blocking: read and written directly when the loop says that
// it is ready, so that an idle one owns no buffer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <span>
#include <sys/uio.h>
#include <utility>

namespace tombolo::net {

enum class IoStatus {
  done,         // `bytes` were taken or given
  would_block,  // wait, then try again
  closed,       // the peer ended its side in order
  failed,       // the connection is broken: `error` is the system's number
};

struct IoResult {
  IoStatus status = IoStatus::done;
  std::size_t bytes = 0;
  int error = 0;
};

class StreamSocket {
 public:
  explicit StreamSocket(boost::asio::ip::tcp::socket socket);

  IoResult read(std::span<char> into);
  IoResult write(std::span<const iovec> from);

  // Calls `handler(error_code)` when a read, or a write, may do something.
  template <typename Handler>
  void wait_readable(Handler handler) {
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, std::move(handler));
  }
  template <typename Handler>
  void wait_writable(Handler handler) {
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_write, std::move(handler));
  }

  void finish_writing();  // tells the peer that nothing follows
  void close();           // cancels what waits
  bool is_open() const { return socket_.is_open(); }

 private:
  boost::asio::ip::tcp::socket socket_;
};

}  // namespace tombolo::net
