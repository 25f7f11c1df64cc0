// Who may write through a Database: one at a time, whichever thread ends it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tombolo::client {

class WriterLock {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    free_.wait(guard, [this] { return !held_; });
    held_ = true;
    owner_ = std::this_thread::get_id();
  }
  void unlock() {
    {
      const std::lock_guard guard(mutex_);
      held_ = false;
      owner_ = {};
    }
    free_.notify_one();
  }
  bool held_by_this_thread() {
    const std::lock_guard guard(mutex_);
    return held_ && owner_ == std::this_thread::get_id();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool held_ = false;
  std::thread::id owner_;
};

}  // namespace tombolo::client
