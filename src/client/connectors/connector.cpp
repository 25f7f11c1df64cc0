#include "client/connectors/connector.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/planted_fault.h"
#include "client/log_access.h"
#include "os/file_lock.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kGatherMs = 50;      // for the writes that follow a write
constexpr std::int64_t kStandbyMs = 1'000;  // between looks whether the other process has gone

Result<std::shared_ptr<void>> lock_file(const std::string& path) {
  auto taken = os::FileLock::try_take(path);
  if (!taken) return fail(taken);
  if (!*taken) return nullptr;
  return std::make_shared<os::FileLock>(std::move(**taken));
}

}  // namespace

Connector::Connector(Engine& engine, std::shared_ptr<net::Network> network, RemoteEntry remote,
                     RemoteOptions options)
    : engine_(engine),
      network_(std::move(network)),
      remote_(std::move(remote)),
      options_(std::move(options)) {
  status_.name = remote_.name;
  status_.url = remote_.url;
  status_.kind = remote_.kind;
  status_.collections = remote_.collections;
}

void Connector::post(std::function<void()> work) {
  executor().post([self = shared_from_this(), work = std::move(work)] {
    if (!self->stopped_) work();
  });
}

net::TimerId Connector::schedule(std::int64_t delay_ms, std::function<void()> work) {
  return executor().schedule(delay_ms, [self = shared_from_this(), work = std::move(work)] {
    if (!self->stopped_) work();
  });
}

void Connector::start() {
  if (options_.automatic) schedule_attempt(0);
}

bool Connector::may_wait() {
  return !executor().is_current() && !engine_.this_thread_writes();
}

void Connector::stop() {
  set_state(RemoteState::offline);
  {
    const std::lock_guard guard(mutex_);
    disconnected_ = true;
    changed_.notify_all();
  }
  auto done = std::make_shared<std::promise<void>>();
  executor().post([self = shared_from_this(), done] {
    if (!self->stopped_) {
      self->executor().cancel(self->timer_);
      self->abandon();
      self->stopped_ = true;
      self->lock_.reset();
    }
    done->set_value();
  });
  if (may_wait()) done->get_future().wait();
}

std::int64_t Connector::wish() {
  std::int64_t number = 0;
  {
    const std::lock_guard guard(mutex_);
    number = ++wanted_;
  }
  post([this, number] {
    heard_ = std::max(heard_, number);
    if (is_connected()) return on_sync_now();
    executor().cancel(timer_);
    try_attempt();
  });
  return number;
}

void Connector::sync_now() {
  (void)wish();
}

void Connector::pending_changed() {
  if (!options_.automatic) return;
  post([this] { take_up_pending(); });
}

void Connector::others_committed() {
  if (!options_.automatic) return;
  post([this] {
    if (has_new_pending()) take_up_pending();
  });
}

void Connector::take_up_pending() {
  if (is_connected()) return on_pending();
  // Once: who goes on writing must not put it off for ever.
  if (std::exchange(rests_, false)) schedule_attempt(kGatherMs);
}

void Connector::answer_wishes() {
  const std::lock_guard guard(mutex_);
  begun_ = wanted_;
}

Result<void> Connector::wait_until_synced(std::int64_t timeout_ms) {
  if (!may_wait()) {
    return fail(ErrorCode::precondition_failed,
                "nothing is exchanged while this thread waits: wait outside of callbacks and "
                "transactions");
  }
  const std::int64_t number = wish();
  std::unique_lock guard(mutex_);
  const auto over = [&] { return finished_ >= number || refused_ >= number || disconnected_; };
  if (!changed_.wait_for(guard, std::chrono::milliseconds(timeout_ms), over)) {
    std::string why = status_.last_error ? ": " + status_.last_error->message : std::string();
    return fail(ErrorCode::timeout, "remote \"" + remote_.name + "\" is not synced after " +
                                        std::to_string(timeout_ms) + " ms" + why);
  }
  if (finished_ >= number) return {};
  if (refused_ >= number && status_.last_error) return std::unexpected(*status_.last_error);
  return fail(ErrorCode::cancelled, "remote \"" + remote_.name + "\" was disconnected");
}

RemoteStatus Connector::status() {
  const std::lock_guard guard(mutex_);
  return status_;
}

void Connector::set_state(RemoteState state) {
  const std::lock_guard guard(mutex_);
  if (disconnected_) return;
  status_.state = state;
  // What was synced once is not any more when there is something to exchange, or nobody to do it
  // with. Planted, nobody thinks of that.
  const bool stays = state == RemoteState::idle || planted(PlantedFault::status_as_flag);
  if (!stays) status_.synced = false;
  if (state != RemoteState::waiting) status_.next_attempt_ms.reset();
  changed_.notify_all();
}

void Connector::note_error(const Error& error) {
  const std::lock_guard guard(mutex_);
  if (!disconnected_) status_.last_error = error;
}

void Connector::count(std::int64_t sent, std::int64_t received) {
  const std::lock_guard guard(mutex_);
  status_.sent_operations += sent;
  status_.received_operations += received;
}

void Connector::publish(Event::Type type, std::int64_t sent, std::int64_t received,
                        std::optional<Error> error) {
  Event event;
  event.type = type;
  event.remote = remote_.name;
  event.sent = sent;
  event.received = received;
  event.error = std::move(error);
  engine_.notifier().publish(std::move(event));
}

void Connector::attempt_failed(const Error& error, std::int64_t at_least_ms) {
  constexpr std::uint64_t kSteps = 1'000'000;
  const double random = static_cast<double>(engine_.environment().random->below(kSteps)) / kSteps;
  const std::int64_t delay_ms = std::max(backoff_.next_delay_ms(random), at_least_ms);
  {
    const std::lock_guard guard(mutex_);
    if (disconnected_) return;
    status_.state =
        options_.automatic || finished_ < wanted_ ? RemoteState::waiting : RemoteState::offline;
    if (!planted(PlantedFault::status_as_flag)) status_.synced = false;
    status_.last_error = error;
    status_.next_attempt_ms = engine_.environment().clock->wall_ms() + delay_ms;
    changed_.notify_all();
  }
  schedule_attempt(delay_ms);
}

void Connector::attempt_refused(const Error& error) {
  const std::lock_guard guard(mutex_);
  if (disconnected_) return;
  refused_ = std::max(refused_, heard_);
  status_.state = RemoteState::stopped;
  status_.synced = false;
  status_.last_error = error;
  changed_.notify_all();
}

void Connector::exchanged() {
  backoff_.reset();
  const std::lock_guard guard(mutex_);
  if (disconnected_) return;
  status_.state = RemoteState::idle;
  status_.synced = true;
  status_.last_error.reset();
  status_.next_attempt_ms.reset();
  status_.last_sync_ms = engine_.environment().clock->wall_ms();
  finished_ = begun_;
  changed_.notify_all();
}

void Connector::rest(std::optional<std::int64_t> delay_ms) {
  rests_ = true;
  if (delay_ms) schedule_attempt(*delay_ms);
}

void Connector::exchange_incomplete(const Error& error) {
  backoff_.reset();
  const std::lock_guard guard(mutex_);
  if (disconnected_) return;
  status_.state = RemoteState::idle;
  status_.synced = false;
  status_.last_error = error;
  status_.next_attempt_ms.reset();
  refused_ = std::max(refused_, begun_);
  changed_.notify_all();
}

void Connector::schedule_attempt(std::int64_t delay_ms) {
  executor().cancel(timer_);
  timer_ = schedule(delay_ms, [this] { try_attempt(); });
}

void Connector::try_attempt() {
  if (is_connected()) return;
  rests_ = false;
  const Result<bool> mine = take_lock();
  if (!mine) return attempt_failed(mine.error());
  if (!*mine) {
    set_state(RemoteState::standby);
    return schedule_attempt(kStandbyMs);
  }
  const Result<Credentials> known = credentials();
  if (!known) return attempt_failed(known.error());
  set_state(RemoteState::connecting);
  attempt(*known);
}

Result<bool> Connector::take_lock() {
  if (lock_) return true;
  const auto& try_lock = engine_.environment().try_lock;
  auto taken =
      (try_lock ? try_lock : lock_file)(engine_.path() + "-remote-" + std::to_string(remote_.key));
  if (!taken) return fail(taken);
  lock_ = std::move(*taken);
  return lock_ != nullptr;
}

Result<Credentials> Connector::credentials() {
  const Authentication& authentication = options_.authentication;
  if (const auto* ask = std::get_if<CredentialsCallback>(&authentication)) return (*ask)();
  if (const auto* token = std::get_if<Token>(&authentication)) return *token;
  if (const auto* basic = std::get_if<BasicCredentials>(&authentication)) return *basic;
  return NoAuthentication{};
}

}  // namespace tombolo::client
