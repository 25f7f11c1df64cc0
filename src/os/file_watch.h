// Waiting until somebody, in whichever process, writes to a file.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::os {

class FileWatch {
 public:
  // Watches the file. Where the system cannot (there is no such file, or no watch left for us),
  // nothing is told but by time: see is_watching().
  explicit FileWatch(const std::string& path);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  enum class Woken {
    written,  // since the watch began, or since the last wait that ended so
    asked,    // by wake()
    late,     // after `timeout_ms`
  };
  // Waits for at most `timeout_ms`, or less when the process is out of descriptors. Not told is
  // what is written through mapped memory, and by other machines (inotify(7), "Limitations and
  // caveats"). On one thread at a time.
  Woken wait(std::int64_t timeout_ms);
  // As wait(), but what is written meanwhile is left for the next wait.
  Woken rest(std::int64_t timeout_ms);

  // False from the start, or once the file was removed. On the thread that waits.
  bool is_watching() const { return inotify_ >= 0; }

  // Ends a wait, the next one if nobody waits now. Thread-safe.
  void wake();

 private:
  Woken wait_for(std::int64_t timeout_ms, bool with_writes);
  void take_events();
  void give_up();

  int inotify_ = -1;
  int wake_descriptor_;
};

}  // namespace tombolo::os
