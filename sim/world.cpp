#include "sim/world.h"

#include <algorithm>
#include <string>

namespace tombolo::sim {

EventId World::after_us(std::int64_t delay_us, Task task) {
  const EventId id = ++last_event_;
  const std::int64_t due_us = now_us() + std::max<std::int64_t>(delay_us, 0);
  queue_.emplace(Moment(due_us, id), std::move(task));
  due_us_.emplace(id, due_us);
  return id;
}

void World::cancel(EventId id) {
  // What the task holds may cancel others when it goes, so it goes last.
  const Task task = take(id);
}

Task World::take(EventId id) {
  const auto found = due_us_.find(id);
  if (found == due_us_.end()) return {};
  const Moment moment(found->second, id);
  due_us_.erase(found);
  auto node = queue_.extract(moment);
  return std::move(node.mapped());
}

void World::run_until_us(std::int64_t end_us) {
  while (!exhausted() && !queue_.empty() && queue_.begin()->first.first <= end_us) {
    auto node = queue_.extract(queue_.begin());
    const auto [due_us, id] = node.key();
    due_us_.erase(id);
    // A program that slept has let time pass already.
    if (due_us > now_us()) time_.advance_us(due_us - now_us());
    ++events_;
    node.mapped()();
  }
  if (end_us > now_us()) time_.advance_us(end_us - now_us());
}

void World::clear() {
  while (!queue_.empty()) {
    const auto all = std::exchange(queue_, {});
    due_us_.clear();
  }
}

void World::mix(std::string_view text) {
  for (const char letter : text) {
    trace_hash_ = (trace_hash_ ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  }
  trace_hash_ = (trace_hash_ ^ 0xff) * 1099511628211ULL;
}

void World::note(std::string_view who, std::string_view what) {
  mix(std::to_string(now_us()));
  mix(who);
  mix(what);
  if (listener_) listener_(now_us(), who, what);
}

}  // namespace tombolo::sim
