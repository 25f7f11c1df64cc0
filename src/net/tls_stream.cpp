#include "net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace tombolo::net {
namespace {

constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

// OpenSSL's own socket BIO would raise SIGPIPE.
int write_wire(BIO* bio, const char* data, int size) {
  auto& wire = *static_cast<TlsStream::Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t count = uninterrupted([&] {
    return ::send(wire.descriptor, data, static_cast<std::size_t>(size),
                  MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (count >= 0) return static_cast<int>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    BIO_set_retry_write(bio);
  } else {
    wire.error = errno;
  }
  return -1;
}

int read_wire(BIO* bio, char* data, int size) {
  auto& wire = *static_cast<TlsStream::Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t count = uninterrupted(
      [&] { return ::recv(wire.descriptor, data, static_cast<std::size_t>(size), MSG_DONTWAIT); });
  if (count > 0) return static_cast<int>(count);
  if (count == 0) {
    wire.has_ended = true;
    return 0;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    BIO_set_retry_read(bio);
  } else {
    wire.error = errno;
  }
  return -1;
}

long control_wire(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<TlsStream::Wire*>(BIO_get_data(bio))->has_ended;
  return 0;
}

std::unique_ptr<ssl_st, TlsFree> attach(std::unique_ptr<ssl_st, TlsFree> connection,
                                        TlsStream::Wire& wire, const TlsContext& context) {
  BIO* const bio = BIO_new(context.transport());
  TOMBOLO_CHECK(bio != nullptr, "OpenSSL makes no BIO");
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(connection.get(), bio, bio);  // owns it
  return connection;
}

}  // namespace

std::unique_ptr<bio_method_st, TlsFree> make_tls_transport() {
  std::unique_ptr<bio_method_st, TlsFree> method(
      BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tombolo socket"));
  TOMBOLO_CHECK(method != nullptr, "OpenSSL makes no BIO method");
  BIO_meth_set_write(method.get(), write_wire);
  BIO_meth_set_read(method.get(), read_wire);
  BIO_meth_set_ctrl(method.get(), control_wire);
  return method;
}

TlsStream::TlsStream(std::shared_ptr<TlsContext> context, TlsPeer peer, int descriptor)
    : context_(std::move(context)),
      peer_(std::move(peer)),
      wire_{descriptor, false, 0},
      connection_(attach(context_->prepare(peer_), wire_, *context_)) {}

TlsStream::Step TlsStream::shake_hands() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(connection_.get());
  if (outcome == 1) return Step::done;
  const int error = SSL_get_error(connection_.get(), outcome);
  if (error == SSL_ERROR_WANT_READ) return Step::wants_read;
  if (error == SSL_ERROR_WANT_WRITE) return Step::wants_write;
  is_broken_ = true;
  handshake_error_ = ERR_peek_error();
  ERR_clear_error();
  return Step::failed;
}

Error TlsStream::problem() const {
  if (distrusts_peer()) return {ErrorCode::unavailable, peer_.certificate_problem};
  if (wire_.error != 0) {
    return {ErrorCode::unavailable,
            "the TLS handshake broke off: " + std::system_category().message(wire_.error)};
  }
  if (wire_.has_ended) {
    return {ErrorCode::unavailable, "it closed the connection during the TLS handshake"};
  }
  switch (ERR_GET_REASON(handshake_error_)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return {ErrorCode::protocol,
              "it does not speak TLS there: use the port that does, or an http:// or ws:// URL"};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return {ErrorCode::protocol,
              "it speaks no version of TLS from 1.2 on: older ones are not safe, the server must "
              "be brought up to date"};
    default: {
      const char* const reason = ERR_reason_error_string(handshake_error_);
      return {ErrorCode::protocol, std::string("the TLS handshake failed: ") +
                                       (reason ? reason : "for no known reason")};
    }
  }
}

bool TlsStream::is_resumed() const {
  return SSL_session_reused(connection_.get()) == 1;
}

IoResult TlsStream::read(std::span<char> into) {
  if (deferred_) return *std::exchange(deferred_, std::nullopt);
  std::size_t filled = 0;
  while (filled < into.size()) {
    ERR_clear_error();
    std::size_t count = 0;
    const int outcome =
        SSL_read_ex(connection_.get(), into.data() + filled, into.size() - filled, &count);
    if (outcome == 1) {
      filled += count;
      continue;
    }
    const IoResult stop = result_of(outcome, read_wants_write_, SSL_ERROR_WANT_WRITE);
    if (filled == 0) return stop;
    if (stop.status != IoStatus::would_block) deferred_ = stop;
    break;
  }
  return {IoStatus::done, filled, 0};
}

IoResult TlsStream::write(std::span<const iovec> from) {
  // One record at a time; small parts are gathered so that each does not become a record.
  std::array<char, kRecordBytes> gathered;
  const char* data = static_cast<const char*>(from.front().iov_base);
  std::size_t size = std::min(from.front().iov_len, kRecordBytes);
  if (from.size() > 1 && size < kRecordBytes) {
    size = 0;
    for (const iovec& part : from) {
      const std::size_t taken = std::min(part.iov_len, kRecordBytes - size);
      std::memcpy(gathered.data() + size, part.iov_base, taken);
      size += taken;
    }
    data = gathered.data();
  }
  ERR_clear_error();
  std::size_t count = 0;
  const int outcome = SSL_write_ex(connection_.get(), data, size, &count);
  if (outcome == 1) return {IoStatus::done, count, 0};
  return result_of(outcome, write_wants_read_, SSL_ERROR_WANT_READ);
}

IoResult TlsStream::result_of(int outcome, bool& wants_other_way, int other_way) {
  const int error = SSL_get_error(connection_.get(), outcome);
  wants_other_way = error == other_way;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    return {IoStatus::would_block, 0, 0};
  }
  if (error == SSL_ERROR_ZERO_RETURN) return {IoStatus::closed, 0, 0};
  is_broken_ = true;
  ERR_clear_error();
  // An end without TLS's own farewell may be an attacker's doing: it is a break, not an end.
  const int number = wire_.error != 0 ? wire_.error : wire_.has_ended ? ECONNRESET : EPROTO;
  return {IoStatus::failed, 0, number};
}

bool TlsStream::has_unread() const {
  return deferred_.has_value() || SSL_pending(connection_.get()) > 0;
}

void TlsStream::finish_writing() {
  if (is_broken_ || SSL_is_init_finished(connection_.get()) != 1) return;
  ERR_clear_error();
  SSL_shutdown(connection_.get());
  ERR_clear_error();
}

}  // namespace tombolo::net
