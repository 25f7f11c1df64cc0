#include "server/writer_thread.h"

#include <chrono>

namespace tombolo::server {

namespace {

// After this long without a write the log is moved into the file.
constexpr std::chrono::milliseconds kQuiet{50};

}  // namespace

WriterThread::WriterThread(Writer& writer) : writer_(writer) {
  writer_.set_wake([this] {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    condition_.notify_one();
  });
  thread_ = std::thread([this] { run(); });
}

WriterThread::~WriterThread() {
  stop();
}

void WriterThread::stop() {
  if (!thread_.joinable()) return;
  writer_.close();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  condition_.notify_one();
  thread_.join();
}

void WriterThread::run() {
  for (;;) {
    while (writer_.commit_pending()) writer_.maintain(false);
    std::unique_lock lock(mutex_);
    const auto due = [this] { return woken_ || stopping_; };
    if (!condition_.wait_for(lock, kQuiet, due)) {
      lock.unlock();
      writer_.maintain(true);
      lock.lock();
      condition_.wait(lock, due);
    }
    woken_ = false;
    if (stopping_) break;
  }
  while (writer_.commit_pending()) {
  }
}

}  // namespace tombolo::server
