// A connected byte stream used without blocking: read and written directly when the loop says that
// it is ready, so that an idle one owns no buffer. Plain, or through TLS.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <sys/uio.h>

#include "net/io_result.h"
#include "net/readiness_poller.h"
#include "net/tls_stream.h"

namespace tombolo::net {

class StreamSocket {
 public:
  // `tls`, if there is one, has shaken hands over this socket.
  StreamSocket(ReadinessPoller& poller, boost::asio::ip::tcp::socket socket,
               std::unique_ptr<TlsStream> tls = nullptr);
  StreamSocket(StreamSocket&&) = default;
  ~StreamSocket() = default;

  IoResult read(std::span<char> into);
  // What would block must be repeated with the same bytes, or more behind them.
  IoResult write(std::span<const iovec> from);

  // Calls `handler` once, never at once, when a read, or a write, may do something.
  void wait_readable(ReadyHandler handler);
  void wait_writable(ReadyHandler handler);

  // Of what was written, how much the peer's machine has not acknowledged; 0 when that is unknown.
  std::size_t unacknowledged_bytes() const;

  void finish_writing();  // tells the peer that nothing follows
  void close();           // those who wait for the socket are told
  bool is_open() const { return socket_ && socket_->is_open(); }  // not what was moved from

 private:
  IoResult noted(IoResult result, bool wants_other_way, bool reads);

  std::unique_ptr<PolledSocket> socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace tombolo::net
