// TLS as a client over a connected socket that does not wait: the handshake, then bytes both ways.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/uio.h>

#include "net/io_result.h"
#include "net/tls_context.h"

#include "tombolo/result.h"

namespace tombolo::net {

class TlsStream {
 public:
  enum class Step { done, wants_read, wants_write, failed };

  // `descriptor` stays the caller's and must be open as long as this is used.
  TlsStream(std::shared_ptr<TlsContext> context, TlsPeer peer, int descriptor);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Goes on with the handshake as far as it can. Nothing is read or written before it is done.
  Step shake_hands();
  // Why it failed, as the rest of a sentence about the server. Codes: unavailable (a certificate
  // that cannot be trusted, now, or a connection that broke), protocol (no TLS, or none we speak).
  Error problem() const;
  bool distrusts_peer() const { return !peer_.certificate_problem.empty(); }
  bool is_resumed() const;  // whether it took up an earlier session

  IoResult read(std::span<char> into);
  // A write that would block must be repeated with the same bytes, or more behind them.
  IoResult write(std::span<const iovec> from);

  // Whether a read gives something without waiting for the socket.
  bool has_unread() const;
  // A read may have to wait until the socket can be written, and the other way round.
  bool read_wants_write() const { return read_wants_write_; }
  bool write_wants_read() const { return write_wants_read_; }

  void finish_writing();  // tells the peer that nothing follows

  // The socket as OpenSSL sees it.
  struct Wire {
    int descriptor = -1;
    bool has_ended = false;  // the peer ended its side
    int error = 0;           // of the system
  };

 private:
  IoResult result_of(int outcome, bool& wants_other_way, int other_way);

  const std::shared_ptr<TlsContext> context_;
  TlsPeer peer_;
  Wire wire_;
  const std::unique_ptr<ssl_st, TlsFree> connection_;
  std::optional<IoResult> deferred_;  // met by a read that had something to give before
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
  bool is_broken_ = false;
  unsigned long handshake_error_ = 0;  // OpenSSL's
};

// The table of functions by which OpenSSL reads and writes a Wire.
std::unique_ptr<bio_method_st, TlsFree> make_tls_transport();

}  // namespace tombolo::net
