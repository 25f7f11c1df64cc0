// One event loop on one thread: the unit of the network layer. Everything that has a socket belongs
// to exactly one IoThread and is touched on that thread only; other threads reach it by post().
//
// Posts are cheap in numbers: a task that finds the queue non-empty does not wake the thread again,
// so a thread that hands over a whole commit crosses once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/executor.h"

namespace tombolo::net {

class IoThread final : public Executor {
 public:
  // Starts the thread. `index` is the caller's number for it (a server counts its threads from 0).
  static std::shared_ptr<IoThread> start(std::size_t index = 0);

  // Stops the thread if stop() was not called. Never destroy the last reference on the thread
  // itself.
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  std::size_t index() const { return index_; }

  bool is_current() const override;
  void post(Task task) override;
  TimerId schedule(std::int64_t delay_ms, Task task) override;
  void cancel(TimerId id) override;

  // Aborts every connection of this thread (their close callbacks run), drops what is queued, and
  // waits for the thread to end. Idempotent. Not on the thread itself.
  void stop();

  // The event loop itself, for the sources of this layer.
  struct Loop;
  Loop& loop() { return *loop_; }

 private:
  explicit IoThread(std::size_t index);

  const std::size_t index_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace tombolo::net
