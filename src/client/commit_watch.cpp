#include "client/commit_watch.h"

#include <algorithm>
#include <utility>

namespace tombolo::client {

CommitWatch::CommitWatch(ReaderPool& readers, std::string log_path, std::int64_t interval_ms,
                         std::function<void()> on_commit)
    : readers_(readers),
      log_path_(std::move(log_path)),
      interval_ms_(interval_ms),
      on_commit_(std::move(on_commit)) {}

void CommitWatch::start() {
  const std::lock_guard guard(mutex_);
  if (stopping_ || thread_.joinable()) return;
  watch_.emplace(log_path_);
  thread_ = std::thread([this] { run(); });
}

void CommitWatch::stop() {
  std::thread thread;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  if (!thread.joinable()) return;
  watch_->wake();
  thread.join();
}

void CommitWatch::run() {
  using Woken = os::FileWatch::Woken;
  std::int64_t pause_ms = interval_ms_;  // from one look to the next, when nothing is written
  Woken woken = Woken::late;
  while (!stopping_) {
    if (look()) on_commit_();
    if (woken == Woken::written) (void)watch_->rest(interval_ms_);
    if (stopping_) break;
    woken = watch_->wait(pause_ms);
    pause_ms = next_pause_ms(woken, pause_ms);
  }
  lease_.reset();
}

// After a write it is looked at once more at the end of the rest.
std::int64_t CommitWatch::next_pause_ms(os::FileWatch::Woken woken, std::int64_t pause_ms) const {
  if (woken == os::FileWatch::Woken::written) return 0;
  if (!watch_->is_watching()) return interval_ms_;
  return std::max(interval_ms_, std::min(pause_ms * 2, kLongestPauseMs));
}

// Whether somebody has committed since the last look.
bool CommitWatch::look() {
  if (!lease_) {
    Result<ReaderPool::Lease> lease = readers_.lease();
    if (!lease) return false;
    lease_.emplace(std::move(*lease));
  }
  const Result<std::int64_t> version = (*lease_)->access().connection.data_version();
  return version && std::exchange(data_version_, *version) != *version;
}

}  // namespace tombolo::client
