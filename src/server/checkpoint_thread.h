// Makes checkpoints on a thread of its own, so that the writer does not stand still while the log
// is copied into the file.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "server/storage/storage.h"
#include "server/writer.h"

namespace tombolo::server {

class CheckpointThread final : public BackgroundCheckpoints {
 public:
  CheckpointThread(std::unique_ptr<Checkpointer> checkpointer, Logger& logger);  // starts it
  ~CheckpointThread() override;                                                  // stop()
  CheckpointThread(const CheckpointThread&) = delete;
  CheckpointThread& operator=(const CheckpointThread&) = delete;

  // Any thread. One that fails is logged; the writer asks again when the log has grown.
  bool running() const override { return running_; }
  void request() override;

  // Ends the thread after the checkpoint that runs. Idempotent; later requests do nothing.
  void stop();

 private:
  void run();

  const std::unique_ptr<Checkpointer> checkpointer_;
  Logger& logger_;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::atomic<bool> running_ = false;  // asked for and not done; changed under the mutex
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tombolo::server
