// For tests: a plain blocking TCP client on loopback, that sends exactly the bytes it is told.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace tombolo::net {

class TestingSocket {
 public:
  // No answer of a test takes this long; a test that waits for it has failed.
  static constexpr int kPatienceMs = 10'000;

  explicit TestingSocket(std::uint16_t port, int receive_buffer_bytes = 0) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    const int yes = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ =
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  // Takes over a descriptor, e.g. of an accepted connection.
  static TestingSocket adopt(int descriptor) { return TestingSocket(Adopted{descriptor}); }
  TestingSocket(TestingSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        is_connected_(other.is_connected_),
        unread_(std::move(other.unread_)) {}
  ~TestingSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool is_connected() const { return is_connected_; }
  int descriptor() const { return descriptor_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  void finish_writing() { ::shutdown(descriptor_, SHUT_WR); }

  // Closes with a reset instead of an orderly end.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(descriptor_, -1));
  }

  // Exactly so many bytes; fewer when the peer ends before.
  std::string read(std::size_t count) {
    while (unread_.size() < count && receive()) {
    }
    return take(std::min(count, unread_.size()));
  }

  // Everything up to and with `mark`.
  std::string read_until(std::string_view mark) {
    std::size_t found = unread_.find(mark);
    while (found == std::string::npos && receive()) found = unread_.find(mark);
    return take(found == std::string::npos ? unread_.size() : found + mark.size());
  }

  // Everything until the peer ends.
  std::string read_all() {
    while (receive()) {
    }
    return take(unread_.size());
  }

  // Status line, headers and a body of Content-Length.
  std::string read_response(bool has_body = true) {
    std::string head = read_until("\r\n\r\n");
    const std::size_t length = head.find("Content-Length: ");
    if (!has_body || length == std::string::npos) return head;
    return head + read(std::stoul(head.substr(length + 16)));
  }

  // Whether the peer ended (or reset) the connection, without sending more.
  bool is_ended() { return unread_.empty() && !receive(); }

 private:
  struct Adopted {
    int descriptor;
  };
  explicit TestingSocket(Adopted adopted) : descriptor_(adopted.descriptor), is_connected_(true) {}

  bool receive() {
    pollfd source{descriptor_, POLLIN, 0};
    if (::poll(&source, 1, kPatienceMs) != 1) {
      ADD_FAILURE() << "the peer neither answered nor ended";
      return false;
    }
    char buffer[16 * 1024];
    const ssize_t count = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    unread_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  std::string take(std::size_t count) {
    std::string taken = unread_.substr(0, count);
    unread_.erase(0, count);
    return taken;
  }

  int descriptor_ = -1;
  bool is_connected_ = false;
  std::string unread_;
};

// A listening socket on a free port of loopback.
class TestingListener {
 public:
  TestingListener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(descriptor_, generic, size), 0);
    EXPECT_EQ(::listen(descriptor_, 16), 0);
    ::getsockname(descriptor_, generic, &size);
    port_ = ntohs(address.sin_port);
  }
  ~TestingListener() { ::close(descriptor_); }
  TestingListener(const TestingListener&) = delete;
  TestingListener& operator=(const TestingListener&) = delete;

  std::uint16_t port() const { return port_; }
  TestingSocket accept() { return TestingSocket::adopt(::accept(descriptor_, nullptr, nullptr)); }

 private:
  const int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace tombolo::net
