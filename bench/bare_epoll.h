// The least that a server on Linux can do, as a bound for ours: one thread, one epoll, one read and
// one write for everything that arrived. It trusts its client: benchmarks only.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace tombolo::bench {

inline int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 4096) != 0) {
    std::perror("cannot listen");
    std::exit(1);
  }
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("{\"port\":%d}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

// What a session wants sent.
struct Output {
  std::string reply;      // to its own client
  std::string broadcast;  // to all others
};

// The load generators read what they are sent, so a full buffer is the end of the run.
inline bool send_whole(int descriptor, const std::string& bytes) {
  return ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

// Serves for ever. `Session` has `void take(std::string& input, Output& output)`: it removes from
// the input what it used.
template <typename Session>
[[noreturn]] void serve() {
  struct Connection {
    Session session;
    std::string input;
  };
  const int listener = listen_on_loopback();
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = listener;
  ::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &interest);
  std::unordered_map<int, Connection> connections;
  std::vector<char> buffer(64 * 1024);
  std::array<epoll_event, 256> events;
  Output output;
  for (;;) {
    const int count = ::epoll_wait(poller, events.data(), events.size(), -1);
    for (int index = 0; index < count; ++index) {
      const int descriptor = events[static_cast<std::size_t>(index)].data.fd;
      if (descriptor == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted < 0) continue;
        const int yes = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        interest.data.fd = accepted;
        ::epoll_ctl(poller, EPOLL_CTL_ADD, accepted, &interest);
        connections[accepted];
        continue;
      }
      Connection& connection = connections[descriptor];
      const ssize_t received = ::recv(descriptor, buffer.data(), buffer.size(), 0);
      bool is_over = received <= 0;
      if (!is_over) {
        connection.input.append(buffer.data(), static_cast<std::size_t>(received));
        connection.session.take(connection.input, output);
        is_over = !output.reply.empty() && !send_whole(descriptor, output.reply);
        if (!output.broadcast.empty()) {
          for (const auto& [other, unused] : connections) {
            if (other != descriptor) send_whole(other, output.broadcast);
          }
        }
        output.reply.clear();
        output.broadcast.clear();
      }
      if (!is_over) continue;
      connections.erase(descriptor);
      ::close(descriptor);
    }
  }
}

}  // namespace tombolo::bench
