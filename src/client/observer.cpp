#include "client/observer.h"

namespace tombolo::client {

void Observer::stop() {
  std::unique_lock guard(mutex_);
  stopped_ = true;
  bell_->ring();
  if (running_ && runner_ == std::this_thread::get_id()) return;
  idle_.wait(guard, [this] { return !running_; });
}

bool Observer::stopped() {
  const std::lock_guard guard(mutex_);
  return stopped_;
}

void Observer::deliver(const std::function<void()>& call) {
  {
    const std::lock_guard guard(mutex_);
    if (stopped_) return;
    running_ = true;
    runner_ = std::this_thread::get_id();
  }
  call();
  {
    const std::lock_guard guard(mutex_);
    running_ = false;
    runner_ = {};
  }
  idle_.notify_all();
}

}  // namespace tombolo::client
