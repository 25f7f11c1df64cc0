#include "sim/process.h"

namespace tombolo::sim {
namespace {

constexpr std::int64_t kTurnUs = 1;  // from one task to the next

}  // namespace

void Process::post(Task task) {
  if (!alive_) return;
  const auto id = std::make_shared<EventId>(0);
  *id = world_.after_us(kTurnUs, [self = shared_from_this(), id, task = std::move(task)]() mutable {
    self->events_.erase(*id);
    self->run(std::move(task));
  });
  events_.emplace(*id, true);
}

net::TimerId Process::schedule(std::int64_t delay_ms, Task task) {
  if (!alive_) return 0;
  const auto id = std::make_shared<EventId>(0);
  *id =
      world_.after_ms(delay_ms, [self = shared_from_this(), id, task = std::move(task)]() mutable {
        self->events_.erase(*id);
        self->run(std::move(task));
      });
  events_.emplace(*id, false);
  return *id;
}

void Process::cancel(net::TimerId id) {
  const auto found = events_.find(id);
  if (found == events_.end()) return;
  events_.erase(found);
  world_.cancel(id);
}

void Process::run(Task task) {
  if (!alive_) return;
  task();
  task = nullptr;  // what it holds goes while the process still is
  if (alive_) after_task_();
}

void Process::end() {
  alive_ = false;
  while (!events_.empty()) cancel(events_.begin()->first);
}

void Process::run_posted() {
  for (auto next = events_.begin(); next != events_.end();) {
    const auto [id, posted] = *next++;
    if (!posted) continue;
    if (Task task = world_.take(id)) task();
    next = events_.upper_bound(id);
  }
}

}  // namespace tombolo::sim
