#include "net/readiness_poller.h"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tombolo::net {
namespace {

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  return set;
}

}  // namespace

ReadinessPoller::ReadinessPoller(boost::asio::io_context& context) : set_(context, make_set()) {
  wait();
}

void ReadinessPoller::stop() {
  boost::system::error_code ignored;
  set_.close(ignored);
}

// Each wait looks at the set anew, so that events beyond those of one turn are not forgotten.
void ReadinessPoller::wait() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& error) {
                    if (error) return;
                    dispatch();
                    if (set_.is_open()) wait();
                  });
}

void ReadinessPoller::dispatch() {
  const int count =
      ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  event_count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  for (next_event_ = 0; next_event_ < event_count_;) {
    const epoll_event& event = events_[next_event_++];
    if (event.data.ptr != nullptr)
      static_cast<PolledSocket*>(event.data.ptr)->on_events(event.events);
  }
  event_count_ = 0;
}

void ReadinessPoller::forget(const void* socket) {
  for (std::size_t index = next_event_; index < event_count_; ++index) {
    if (events_[index].data.ptr == socket) events_[index].data.ptr = nullptr;
  }
}

void ReadinessPoller::post(ReadyHandler handler, bool is_open) {
  boost::asio::post(set_.get_executor(),
                    [handler = std::move(handler), is_open]() mutable { handler(is_open); });
}

PolledSocket::PolledSocket(ReadinessPoller& poller, int descriptor)
    : poller_(poller), descriptor_(descriptor) {
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  interest.data.ptr = this;
  if (::epoll_ctl(poller_.set_.native_handle(), EPOLL_CTL_ADD, descriptor_, &interest) == 0) return;
  // The system has no room for it: whoever reads next finds that the connection has ended.
  ::shutdown(descriptor_, SHUT_RDWR);
  readable_ = has_ended_ = true;
}

void PolledSocket::on_events(std::uint32_t events) {
  constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  has_ended_ = has_ended_ || (events & kEnd) != 0;
  readable_ = readable_ || (events & (EPOLLIN | kEnd)) != 0;
  writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  // Either may destroy this.
  ReadyHandler reader = readable_ ? std::exchange(reader_, nullptr) : nullptr;
  ReadyHandler writer = writable_ ? std::exchange(writer_, nullptr) : nullptr;
  if (reader) reader(true);
  if (writer) writer(true);
}

void PolledSocket::wait_readable(ReadyHandler handler) {
  if (!is_open() || readable_) return poller_.post(std::move(handler), is_open());
  reader_ = std::move(handler);
}

void PolledSocket::wait_writable(ReadyHandler handler) {
  if (!is_open() || writable_) return poller_.post(std::move(handler), is_open());
  writer_ = std::move(handler);
}

void PolledSocket::close() {
  if (!is_open()) return;
  poller_.forget(this);
  // Closing alone leaves it in the set when somebody else (a forked process) has it too (epoll(7)).
  ::epoll_ctl(poller_.set_.native_handle(), EPOLL_CTL_DEL, descriptor_, nullptr);
  ::close(std::exchange(descriptor_, -1));
  if (reader_) poller_.post(std::exchange(reader_, nullptr), false);
  if (writer_) poller_.post(std::exchange(writer_, nullptr), false);
}

}  // namespace tombolo::net
