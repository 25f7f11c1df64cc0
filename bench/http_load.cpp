#include "http_load.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "timing.h"

namespace tombolo::bench {
namespace {

struct Connection {
  int socket = -1;
  double sent_at = 0;
  std::string received;
};

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The bytes that a whole answer has, or 0 when it is not complete yet.
std::size_t complete_length(std::string_view received) {
  const std::size_t head = received.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  static constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t place = received.substr(0, head).find(kName);
  std::size_t body = 0;
  if (place != std::string_view::npos) {
    const char* digits = received.data() + place + kName.size();
    std::from_chars(digits, received.data() + head, body);
  }
  const std::size_t whole = head + 4 + body;
  return received.size() >= whole ? whole : 0;
}

bool succeeded(std::string_view answer) {
  return answer.size() > 12 && (answer[9] == '2' || answer[9] == '3');
}

class Loop {
 public:
  explicit Loop(const HttpLoad& load) : load_(load), poll_(epoll_create1(0)) {}
  ~Loop() {
    for (const Connection& connection : connections_) close(connection.socket);
    close(poll_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Result<LoadResult> run() {
    latencies_ms_.reserve(static_cast<std::size_t>(load_.requests));
    connections_.resize(static_cast<std::size_t>(load_.connections));
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      connections_[index].socket = connect_loopback(load_.port);
      if (connections_[index].socket < 0) return fail(ErrorCode::unavailable, "connection refused");
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = index;
      epoll_ctl(poll_, EPOLL_CTL_ADD, connections_[index].socket, &event);
    }
    const double start = monotonic_seconds();
    for (Connection& connection : connections_) {
      if (!send_next(connection)) return broken();
    }
    while (static_cast<int>(latencies_ms_.size()) < load_.requests) {
      std::array<epoll_event, 64> events{};
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (count <= 0) return fail(ErrorCode::timeout, "no answer within 30 s");
      for (int index = 0; index < count; ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        if (!receive(connections_[event.data.u64])) return broken();
      }
    }
    return summary(monotonic_seconds() - start);
  }

 private:
  std::unexpected<Error> broken() const {
    if (!refusal_.empty()) return fail(ErrorCode::protocol, "refused: " + refusal_);
    return fail(ErrorCode::unavailable, "the server closed a connection");
  }

  bool send_next(Connection& connection) {
    if (next_ == load_.requests) return true;
    const std::string bytes = load_.request(next_++);
    connection.sent_at = monotonic_seconds();
    return send_all(connection.socket, bytes);
  }

  bool receive(Connection& connection) {
    std::array<char, 65536> buffer{};
    const ssize_t count = recv(connection.socket, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    connection.received.append(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t length = complete_length(connection.received);
    if (length == 0) return true;
    latencies_ms_.push_back((monotonic_seconds() - connection.sent_at) * 1000);
    if (!succeeded(connection.received)) {
      refusal_ = connection.received.substr(0, std::min<std::size_t>(length, 300));
      return false;
    }
    connection.received.erase(0, length);
    return send_next(connection);
  }

  LoadResult summary(double seconds) {
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    LoadResult result;
    result.seconds = seconds;
    result.p50_ms = latencies_ms_[latencies_ms_.size() / 2];
    result.p99_ms = latencies_ms_[latencies_ms_.size() * 99 / 100];
    return result;
  }

  const HttpLoad& load_;
  int poll_;
  std::vector<Connection> connections_;
  std::vector<double> latencies_ms_;
  int next_ = 0;
  std::string refusal_;
};

}  // namespace

int connect_loopback(std::uint16_t port) {
  const int handle = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return handle;
  }
  close(handle);
  return -1;
}

Result<LoadResult> run(const HttpLoad& load) {
  return Loop(load).run();
}

Result<std::string> fetch(std::uint16_t port, const std::string& request) {
  const int handle = connect_loopback(port);
  if (handle < 0) return fail(ErrorCode::unavailable, "connection refused");
  std::string received;
  std::array<char, 65536> buffer{};
  send_all(handle, request);
  while (complete_length(received) == 0) {
    const ssize_t count = recv(handle, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    received.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(handle);
  const std::size_t length = complete_length(received);
  if (length == 0 || !succeeded(received)) {
    return fail(ErrorCode::unavailable, "unexpected answer: " + received.substr(0, 300));
  }
  return received;
}

}  // namespace tombolo::bench
