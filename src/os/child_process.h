// Another program as a child of this process, with its standard input and output in our hands.
//
// A child never outlives its ChildProcess, nor the thread that started it (the kernel kills it when
// that ends): start children on a thread that stays. It gets no descriptor of ours but the standard
// ones, and no signal is blocked or ignored in it, whatever is in this process. It has a process
// group of its own, so that Ctrl-C at the terminal reaches us alone. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::os {

struct ChildOptions {
  // The program (a path, or a name to be found on the PATH) and its arguments.
  std::vector<std::string> command;
  // Variables over those of this process; nothing: the child does not get the variable.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment = {};
  std::string directory = {};   // the child's current folder; empty: ours
  std::string error_file = {};  // where its standard error is appended; empty: goes to ours
};

// How a process ended: by itself, with `exit_code`, or by a signal (then `exit_code` is -1).
struct ExitStatus {
  int exit_code = -1;
  int signal = 0;

  // "ended with exit code 1", "was killed by signal 9"
  std::string text() const;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

class ChildProcess {
 public:
  // Largest line that read_line gives.
  static constexpr std::size_t kMaxLineBytes = std::size_t{256} << 20;

  // Error: not_found (no such program or folder), permission_denied, storage (the error file),
  // unavailable (no process or descriptor is left).
  static Result<ChildProcess> start(const ChildOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills it (SIGKILL) if it still runs, and reaps it

  int process_id() const { return process_id_; }

  // Writes the line and its end to the child's standard input. Error: unavailable (it reads no
  // more), timeout (it did not take all of it; the rest is lost).
  Result<void> write_line(std::string_view line, std::int64_t timeout_ms);
  // Closes the child's standard input: it reads an end.
  void end_input();

  // The next line of the child's standard output, without its end; nothing once the output has
  // ended. A last line without an end counts. Error: timeout (what was read is kept),
  // limit_exceeded.
  Result<std::optional<std::string>> read_line(std::int64_t timeout_ms);
  // All that is left of its output, up to its end. Error: timeout, limit_exceeded.
  Result<std::string> read_rest(std::int64_t timeout_ms);

  // Sends a signal; nothing when the child has been reaped.
  void send_signal(int signal) const;
  // Waits for its end. May be asked again afterwards. Error: timeout.
  Result<ExitStatus> wait_for_end(std::int64_t timeout_ms);
  // Both; a child that has not ended in time is killed.
  ExitStatus stop(int signal, std::int64_t timeout_ms);

 private:
  ChildProcess() = default;
  // Reads what there is, waiting for it until the deadline; false at the end of the output.
  Result<bool> read_some(std::int64_t deadline_ms);

  int process_id_ = -1;
  int input_ = -1;   // we write
  int output_ = -1;  // we read
  std::string buffer_;
  std::size_t searched_ = 0;  // bytes of buffer_ that hold no end of a line
  std::optional<ExitStatus> ended_;
};

}  // namespace tombolo::os
