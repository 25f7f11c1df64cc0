// Wakes a thread that waits. Shared by whoever may have something to say to it, and may outlive it.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace tombolo::client {

class Bell {
 public:
  void ring() {
    {
      const std::lock_guard guard(mutex_);
      rung_ = true;
    }
    rings_.notify_one();
  }

  // Waits until it was rung since the last wait; at most so long (nothing: as long as it takes).
  void wait(std::optional<std::int64_t> timeout_ms) {
    std::unique_lock guard(mutex_);
    const auto rung = [this] { return rung_; };
    if (timeout_ms) {
      rings_.wait_for(guard, std::chrono::milliseconds(*timeout_ms), rung);
    } else {
      rings_.wait(guard, rung);
    }
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;
};

}  // namespace tombolo::client
