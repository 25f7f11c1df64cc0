#include "os/signals.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace tombolo::os {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signal_descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TOMBOLO_CHECK(signal_descriptor_ >= 0 && wake_descriptor_ >= 0, "out of file descriptors");
}

StopSignal::~StopSignal() {
  ::close(signal_descriptor_);
  ::close(wake_descriptor_);
}

int StopSignal::wait() {
  for (;;) {
    const int signal = wait_for(INT_MAX);
    if (signal >= 0) return signal;
  }
}

int StopSignal::wait_for(std::int64_t timeout_ms) {
  pollfd sources[2] = {{signal_descriptor_, POLLIN, 0}, {wake_descriptor_, POLLIN, 0}};
  const int timeout = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, 0, INT_MAX));
  if (::poll(sources, 2, timeout) <= 0) return -1;
  signalfd_siginfo info{};
  if (::read(signal_descriptor_, &info, sizeof info) == sizeof info) {
    return static_cast<int>(info.ssi_signo);
  }
  std::uint64_t count = 0;
  return ::read(wake_descriptor_, &count, sizeof count) == sizeof count ? 0 : -1;
}

void StopSignal::request() {
  const std::uint64_t one = 1;
  // A full counter means that a request is waiting already.
  [[maybe_unused]] const ssize_t written = ::write(wake_descriptor_, &one, sizeof one);
}

}  // namespace tombolo::os
