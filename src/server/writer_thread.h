// Drives a Writer on a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/writer.h"

namespace tombolo::server {

class WriterThread {
 public:
  explicit WriterThread(Writer& writer);  // starts it
  ~WriterThread();                        // stop()
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  // Refuses new requests, commits what waits, and ends the thread. Idempotent.
  void stop();

 private:
  void run();
  bool look_for_more();  // true: a request came
  void sleep();          // until one comes, or the end

  Writer& writer_;
  std::atomic<bool> woken_ = false;  // since the last commit
  int commits_without_looking_ = 0;  // that are still to come
  std::mutex mutex_;
  std::condition_variable condition_;
  bool sleeping_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tombolo::server
