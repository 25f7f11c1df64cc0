// Reads and writes that do not wait, and what came of them.
#pragma once

#include <cerrno>
#include <cstddef>

namespace tombolo::net {

enum class IoStatus {
  done,         // `bytes` were taken or given
  would_block,  // wait, then try again
  closed,       // the peer ended its side in order
  failed,       // the connection is broken: `error` is the system's number
};

struct IoResult {
  IoStatus status = IoStatus::done;
  std::size_t bytes = 0;
  int error = 0;
};

// Repeats a call of the system that a signal cut short: it has not found out whether it would wait.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto count = call();
    if (count >= 0 || errno != EINTR) return count;
  }
}

}  // namespace tombolo::net
