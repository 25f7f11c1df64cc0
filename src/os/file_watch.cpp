#include "os/file_watch.h"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace tombolo::os {
namespace {

// The longest wait where the process has no descriptor left for whoever wants to end it.
constexpr std::int64_t kUnwakeableMs = 50;

}  // namespace

FileWatch::FileWatch(const std::string& path)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const bool watches = inotify_ >= 0 && wake_descriptor_ >= 0 &&
                       ::inotify_add_watch(inotify_, path.c_str(), IN_MODIFY) >= 0;
  if (!watches) give_up();
}

FileWatch::~FileWatch() {
  give_up();
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

void FileWatch::give_up() {
  if (inotify_ >= 0) ::close(inotify_);
  inotify_ = -1;
}

FileWatch::Woken FileWatch::wait(std::int64_t timeout_ms) {
  return wait_for(timeout_ms, true);
}

FileWatch::Woken FileWatch::rest(std::int64_t timeout_ms) {
  return wait_for(timeout_ms, false);
}

FileWatch::Woken FileWatch::wait_for(std::int64_t timeout_ms, bool with_writes) {
  // poll() passes over a descriptor below zero.
  pollfd sources[2] = {{wake_descriptor_, POLLIN, 0}, {with_writes ? inotify_ : -1, POLLIN, 0}};
  const std::int64_t longest_ms = wake_descriptor_ >= 0 ? INT_MAX : kUnwakeableMs;
  const int timeout = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, 0, longest_ms));
  if (::poll(sources, 2, timeout) <= 0) return Woken::late;
  std::uint64_t count = 0;
  if (::read(wake_descriptor_, &count, sizeof count) == sizeof count) return Woken::asked;
  take_events();
  return Woken::written;
}

void FileWatch::take_events() {
  alignas(inotify_event) char buffer[4096];
  for (;;) {
    const ssize_t bytes = ::read(inotify_, buffer, sizeof buffer);
    if (bytes <= 0) return;
    for (std::ptrdiff_t at = 0; at < bytes;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      at += static_cast<std::ptrdiff_t>(sizeof event + event.len);
      if ((event.mask & IN_IGNORED) != 0) return give_up();
    }
  }
}

void FileWatch::wake() {
  const std::uint64_t one = 1;
  // A full counter means that a wake is waiting already.
  [[maybe_unused]] const ssize_t written = ::write(wake_descriptor_, &one, sizeof one);
}

}  // namespace tombolo::os
