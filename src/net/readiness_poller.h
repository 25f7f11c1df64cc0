// Tells when sockets can be read and written: an epoll set within Asio's own, edge-triggered. A
// socket enters it once and for all, while Asio asks the kernel anew before each wait; and one turn
// of the loop takes up many sockets.
//
// For one loop's thread alone.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sys/epoll.h>
#include <utility>

namespace tombolo::net {

// `is_open`: the socket may do something now; otherwise it was closed.
using ReadyHandler = std::move_only_function<void(bool is_open)>;

class ReadinessPoller {
 public:
  // Throws std::system_error when the system has no more descriptors, as Asio does.
  explicit ReadinessPoller(boost::asio::io_context& context);

  // Nothing is told any more, so that the loop can end. Every socket must be closed.
  void stop();

 private:
  friend class PolledSocket;
  static constexpr std::size_t kEventsAtOnce = 128;

  void wait();
  void dispatch();
  void forget(const void* socket);  // in the events that are still to be dispatched
  void post(ReadyHandler handler, bool is_open);

  boost::asio::posix::stream_descriptor set_;
  std::array<epoll_event, kEventsAtOnce> events_{};
  std::size_t next_event_ = 0;
  std::size_t event_count_ = 0;
};

// A socket in the set of a poller, and the one handler for each direction that waits for it.
class PolledSocket {
 public:
  // Takes the descriptor, and closes it.
  PolledSocket(ReadinessPoller& poller, int descriptor);
  PolledSocket(const PolledSocket&) = delete;
  PolledSocket& operator=(const PolledSocket&) = delete;
  ~PolledSocket() { close(); }

  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

  // There was nothing more to read, or no more room to write: what comes will be told. Without it
  // the next wait ends at once.
  void note_drained() { readable_ = has_ended_; }
  void note_full() { writable_ = false; }

  // Call `handler` once, never within the call.
  void wait_readable(ReadyHandler handler);
  void wait_writable(ReadyHandler handler);
  void post_ready(ReadyHandler handler) { poller_.post(std::move(handler), is_open()); }

  void close();  // those who wait are told

 private:
  friend class ReadinessPoller;
  void on_events(std::uint32_t events);

  ReadinessPoller& poller_;
  int descriptor_;
  bool readable_ = false;  // the first event comes with the registration
  bool writable_ = true;
  bool has_ended_ = false;  // the peer's side, or all of it: that is told once, and stays readable
  ReadyHandler reader_;
  ReadyHandler writer_;
};

}  // namespace tombolo::net
