// Counts the open connections of a server, against its limit and for the one who waits for their
// end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace tombolo::net {

// Held by a connection for as long as it is open.
using ConnectionTicket = std::shared_ptr<void>;

// Thread-safe; outlived by its tickets.
class ConnectionTickets : public std::enable_shared_from_this<ConnectionTickets> {
 public:
  explicit ConnectionTickets(std::size_t most) : most_(most) {}

  // None when as many as allowed are out.
  ConnectionTicket take() {
    const std::lock_guard lock(mutex_);
    if (count_ >= most_) return nullptr;
    ++count_;
    return ConnectionTicket(this, [owner = shared_from_this()](void*) { owner->give_back(); });
  }

  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  // Whether all came back in time.
  bool wait_for_all(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return count_ == 0; });
  }

 private:
  void give_back() {
    const std::lock_guard lock(mutex_);
    --count_;
    if (count_ == 0) changed_.notify_all();
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

}  // namespace tombolo::net
