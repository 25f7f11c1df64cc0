// Being asked to stop: SIGINT and SIGTERM as something to wait for.
#pragma once

#include <cstdint>

namespace tombolo::os {

// Blocks SIGINT and SIGTERM in this thread and in those it starts, and ignores SIGPIPE. Make it
// first in main, before any thread; one in a process.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Waits for one of the signals, or for request(); gives the signal's number, or 0 for request().
  int wait();
  // As wait(), but gives -1 after `timeout_ms`.
  int wait_for(std::int64_t timeout_ms);
  // Ends a wait from another thread.
  void request();

 private:
  int signal_descriptor_;
  int wake_descriptor_;
};

}  // namespace tombolo::os
