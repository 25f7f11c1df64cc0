// Who may write through a Database: one at a time, whichever thread ends it; nobody once it is
// shut.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tombolo::client {

class WriterLock {
 public:
  // False: it is shut.
  bool lock() {
    std::unique_lock guard(mutex_);
    free_.wait(guard, [this] { return !held_ || shut_; });
    if (shut_) return false;
    take();
    return true;
  }
  // Turns away those who wait and those who come.
  void shut() {
    {
      const std::lock_guard guard(mutex_);
      shut_ = true;
    }
    free_.notify_all();
  }
  // Waits for whoever holds it to end, though it is shut. False: that is this thread.
  bool lock_shut() {
    std::unique_lock guard(mutex_);
    if (held_ && owner_ == std::this_thread::get_id()) return false;
    free_.wait(guard, [this] { return !held_; });
    take();
    return true;
  }
  void unlock() {
    {
      const std::lock_guard guard(mutex_);
      held_ = false;
      owner_ = {};
    }
    free_.notify_all();
  }
  bool held_by_this_thread() {
    const std::lock_guard guard(mutex_);
    return held_ && owner_ == std::this_thread::get_id();
  }

 private:
  void take() {
    held_ = true;
    owner_ = std::this_thread::get_id();
  }

  std::mutex mutex_;
  std::condition_variable free_;
  bool held_ = false;
  bool shut_ = false;
  std::thread::id owner_;
};

}  // namespace tombolo::client
