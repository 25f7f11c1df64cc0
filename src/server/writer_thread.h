// Drives a Writer on a thread of its own.
#pragma once

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

  Writer& writer_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tombolo::server
