// Notices that somebody has committed to a database's file: this Database, another one, or another
// process.
//
// A commit is written to the log beside the file (SQLite's WAL), which the system tells, and can be
// seen some time later, when it is whole and its writer has synced it. So after a write to the log
// it looks again and again, after ever longer pauses; an idle machine is hardly ever woken. Where
// the system tells nothing, it looks every interval.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "client/reader_pool.h"
#include "os/file_watch.h"

namespace tombolo::client {

class CommitWatch {
 public:
  // Longest pause between two looks, so that nothing hangs on what the system tells.
  static constexpr std::int64_t kLongestPauseMs = 60'000;

  // `log_path`: of the WAL, which lasts as long as somebody has the database open. `interval_ms`:
  // the shortest pause between two looks. `on_commit` is called on the watch's thread, and once at
  // the start.
  CommitWatch(ReaderPool& readers, std::string log_path, std::int64_t interval_ms,
              std::function<void()> on_commit);
  ~CommitWatch() { stop(); }

  // Starts the thread, unless it runs or was stopped. Thread-safe.
  void start();
  // Waits until the thread has ended, for good. Not on that thread.
  void stop();

 private:
  void run();
  bool look();
  std::int64_t next_pause_ms(os::FileWatch::Woken woken, std::int64_t pause_ms) const;

  ReaderPool& readers_;
  const std::string log_path_;
  const std::int64_t interval_ms_;
  const std::function<void()> on_commit_;

  std::mutex mutex_;  // of starting and stopping
  std::thread thread_;
  std::optional<os::FileWatch> watch_;
  std::atomic<bool> stopping_ = false;

  // Of the thread alone.
  std::optional<ReaderPool::Lease> lease_;
  std::int64_t data_version_ = -1;
};

}  // namespace tombolo::client
