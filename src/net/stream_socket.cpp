#include "net/stream_socket.h"

#include <algorithm>
#include <cerrno>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tombolo::net {
namespace {

IoResult result_of(ssize_t count) {
  if (count >= 0) return {IoStatus::done, static_cast<std::size_t>(count), 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
    return {IoStatus::would_block, 0, 0};
  return {IoStatus::failed, 0, errno};
}

}  // namespace

StreamSocket::StreamSocket(boost::asio::ip::tcp::socket socket, std::unique_ptr<TlsStream> tls)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

IoResult StreamSocket::read(std::span<char> into) {
  if (tls_) return tls_->read(into);
  const ssize_t count = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  if (count == 0) return {IoStatus::closed, 0, 0};
  return result_of(count);
}

IoResult StreamSocket::write(std::span<const iovec> from) {
  if (tls_) return tls_->write(from);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // NOLINT: the call does not change it
  message.msg_iovlen = from.size();
  return result_of(::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

std::size_t StreamSocket::unacknowledged_bytes() const {
  int bytes = 0;
  if (::ioctl(socket_.native_handle(), TIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

void StreamSocket::finish_writing() {
  if (tls_) tls_->finish_writing();
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void StreamSocket::close() {
  if (tls_ && socket_.is_open()) tls_->finish_writing();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace tombolo::net
