#include "server/writer_thread.h"

#include <chrono>

namespace tombolo::server {

namespace {

// After this long without a write the log is moved into the file.
constexpr std::chrono::milliseconds kQuiet{50};

// After a commit the next request is often on its way already, and to fall asleep and be woken
// costs more than a small commit's share of work. So the thread looks for it this many times before
// it sleeps, giving way to whoever else wants the processor; and after a search in vain it does not
// search again for some commits.
constexpr int kLooks = 200;  // some 60 microseconds when nobody else wants the processor
constexpr int kCommitsWithoutLooking = 15;

}  // namespace

WriterThread::WriterThread(Writer& writer) : writer_(writer) {
  writer_.set_wake([this] {
    woken_.store(true, std::memory_order_release);
    {
      const std::lock_guard lock(mutex_);
      if (!sleeping_) return;
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

bool WriterThread::look_for_more() {
  if (commits_without_looking_ > 0) {
    --commits_without_looking_;
    return false;
  }
  for (int look = 0; look < kLooks; ++look) {
    if (woken_.load(std::memory_order_acquire)) return true;
    std::this_thread::yield();
  }
  commits_without_looking_ = kCommitsWithoutLooking;
  return false;
}

void WriterThread::sleep() {
  std::unique_lock lock(mutex_);
  sleeping_ = true;
  const auto due = [this] { return woken_.load(std::memory_order_acquire) || stopping_; };
  if (!condition_.wait_for(lock, kQuiet, due)) {
    lock.unlock();
    writer_.maintain(true);
    lock.lock();
    condition_.wait(lock, due);
  }
  sleeping_ = false;
}

void WriterThread::run() {
  for (;;) {
    woken_.store(false, std::memory_order_relaxed);
    while (writer_.commit_pending()) writer_.maintain(false);
    if (!look_for_more()) sleep();
    const std::lock_guard lock(mutex_);
    if (stopping_) break;
  }
  while (writer_.commit_pending()) {
  }
}

}  // namespace tombolo::server
