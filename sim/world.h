// The time and the events of one simulated world: everything that happens in it is a task in one
// queue, run in the order of its virtual time on one thread. The same seed gives the same world,
// event by event; the trace hash tells whether it did.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "net/executor.h"
#include "sim/random.h"
#include "sim/virtual_clock.h"

namespace tombolo::sim {

using net::Task;
using EventId = std::uint64_t;  // never 0

class World {
 public:
  explicit World(std::uint64_t seed) : seed_(seed) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::uint64_t seed() const { return seed_; }
  VirtualTime& time() { return time_; }
  std::int64_t now_us() const { return time_.microseconds(); }
  std::int64_t now_ms() const { return now_us() / 1000; }

  EventId after_us(std::int64_t delay_us, Task task);
  EventId after_ms(std::int64_t delay_ms, Task task) {
    return after_us(delay_ms * 1000, std::move(task));
  }
  void cancel(EventId id);  // one that is unknown or done is ignored
  Task take(EventId id);    // likewise, and gives the task to whoever runs it; null: there is none

  // Runs what happens up to then.
  void run_until_us(std::int64_t end_us);
  void run_for_ms(std::int64_t duration_ms) { run_until_us(now_us() + duration_ms * 1000); }
  // Drops everything that is still to happen.
  void clear();

  // Something that can be seen from outside happened: it goes into the trace hash, and to whoever
  // listens.
  void note(std::string_view who, std::string_view what);
  void listen(
      std::function<void(std::int64_t at_us, std::string_view, std::string_view)> listener) {
    listener_ = std::move(listener);
  }
  std::uint64_t trace_hash() const { return trace_hash_; }
  std::int64_t events() const { return events_; }
  // Beyond them a world is not simulated any further: something goes round in circles.
  static constexpr std::int64_t kMaxEvents = 1'000'000;
  bool exhausted() const { return events_ >= kMaxEvents; }

 private:
  using Moment = std::pair<std::int64_t, EventId>;

  void mix(std::string_view text);

  const std::uint64_t seed_;
  VirtualTime time_;
  std::map<Moment, Task> queue_;
  std::unordered_map<EventId, std::int64_t> due_us_;
  EventId last_event_ = 0;
  std::int64_t events_ = 0;
  std::uint64_t trace_hash_ = 14695981039346656037ULL;
  std::function<void(std::int64_t, std::string_view, std::string_view)> listener_;
};

}  // namespace tombolo::sim
