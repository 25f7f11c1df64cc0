// Where tasks run, one after the other: a thread with an event loop (IoThread), or whatever else
// plays that part, such as a simulator's queue. What belongs to an executor is touched in its tasks
// only.
#pragma once

#include <cstdint>
#include <functional>

namespace tombolo::net {

using Task = std::move_only_function<void()>;

// Names a scheduled task; never 0.
using TimerId = std::uint64_t;

class Executor {
 public:
  virtual ~Executor() = default;

  virtual bool is_current() const = 0;  // whether the caller is one of its tasks

  // Runs `task` after what was posted before. Any thread. After the executor has stopped the task
  // is dropped unrun.
  virtual void post(Task task) = 0;

  // Runs `task` once `delay_ms` have passed. Any thread.
  virtual TimerId schedule(std::int64_t delay_ms, Task task) = 0;

  // Forgets a scheduled task that has not run; an id that is unknown or done is ignored. Any
  // thread. Called in a task of this executor, the scheduled one does not run afterwards.
  virtual void cancel(TimerId id) = 0;
};

}  // namespace tombolo::net
