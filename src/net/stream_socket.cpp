#include "net/stream_socket.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace tombolo::net {
namespace {

IoResult result_of(ssize_t count) {
  if (count >= 0) return {IoStatus::done, static_cast<std::size_t>(count), 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
  return {IoStatus::failed, 0, errno};
}

ssize_t send(int descriptor, std::span<const iovec> from) {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (from.size() == 1) return ::send(descriptor, from[0].iov_base, from[0].iov_len, kFlags);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // NOLINT: the call does not change it
  message.msg_iovlen = from.size();
  return ::sendmsg(descriptor, &message, kFlags);
}

int release(boost::asio::ip::tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  const int descriptor = socket.release(ignored);
  ::fcntl(descriptor, F_SETFD,
          FD_CLOEXEC);  // other programs that are started have no business here
  return descriptor;
}

}  // namespace

StreamSocket::StreamSocket(ReadinessPoller& poller, boost::asio::ip::tcp::socket socket,
                           std::unique_ptr<TlsStream> tls)
    : socket_(std::make_unique<PolledSocket>(poller, release(socket))), tls_(std::move(tls)) {}

// TLS may have to write before it can read on, and the other way round.
IoResult StreamSocket::noted(IoResult result, bool wants_other_way, bool reads) {
  if (result.status != IoStatus::would_block) return result;
  if (reads != wants_other_way) {
    socket_->note_drained();
  } else {
    socket_->note_full();
  }
  return result;
}

IoResult StreamSocket::read(std::span<char> into) {
  if (tls_) {
    const IoResult result = tls_->read(into);
    return noted(result, tls_->read_wants_write(), true);
  }
  const ssize_t count = uninterrupted(
      [&] { return ::recv(socket_->descriptor(), into.data(), into.size(), MSG_DONTWAIT); });
  if (count == 0) return {IoStatus::closed, 0, 0};
  // Less than there was room for: that was all (epoll(7), "Questions and answers" 9).
  if (count > 0 && static_cast<std::size_t>(count) < into.size()) socket_->note_drained();
  return noted(result_of(count), false, true);
}

IoResult StreamSocket::write(std::span<const iovec> from) {
  if (tls_) {
    const IoResult result = tls_->write(from);
    return noted(result, tls_->write_wants_read(), false);
  }
  const ssize_t count = uninterrupted([&] { return send(socket_->descriptor(), from); });
  return noted(result_of(count), false, false);
}

void StreamSocket::wait_readable(ReadyHandler handler) {
  if (tls_ && tls_->has_unread()) return socket_->post_ready(std::move(handler));
  if (tls_ && tls_->read_wants_write()) return socket_->wait_writable(std::move(handler));
  socket_->wait_readable(std::move(handler));
}

void StreamSocket::wait_writable(ReadyHandler handler) {
  if (tls_ && tls_->write_wants_read()) return socket_->wait_readable(std::move(handler));
  socket_->wait_writable(std::move(handler));
}

std::size_t StreamSocket::unacknowledged_bytes() const {
  int bytes = 0;
  if (::ioctl(socket_->descriptor(), TIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

void StreamSocket::finish_writing() {
  if (tls_) tls_->finish_writing();
  ::shutdown(socket_->descriptor(), SHUT_WR);
}

void StreamSocket::close() {
  if (!is_open()) return;
  if (tls_) tls_->finish_writing();
  socket_->close();
}

}  // namespace tombolo::net
