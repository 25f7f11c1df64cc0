#include "server/checkpoint_thread.h"

#include <utility>

namespace tombolo::server {

CheckpointThread::CheckpointThread(std::unique_ptr<Checkpointer> checkpointer, Logger& logger)
    : checkpointer_(std::move(checkpointer)), logger_(logger), thread_([this] { run(); }) {}

CheckpointThread::~CheckpointThread() {
  stop();
}

void CheckpointThread::request() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || running_) return;
    running_ = true;
  }
  condition_.notify_one();
}

void CheckpointThread::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  condition_.notify_one();
  thread_.join();
}

void CheckpointThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    condition_.wait(lock, [this] { return running_ || stopping_; });
    if (stopping_) return;
    lock.unlock();
    if (const Result<void> done = checkpointer_->run(); !done) {
      logger_.log(LogLevel::warning, "checkpoint_failed", {{"error", done.error().message}});
    }
    lock.lock();
    running_ = false;
  }
}

}  // namespace tombolo::server
