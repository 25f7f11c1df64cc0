// One life of a program on a simulated machine: the executor that its tasks run on, until it ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "net/executor.h"
#include "sim/world.h"

namespace tombolo::sim {

class Process final : public net::Executor, public std::enable_shared_from_this<Process> {
 public:
  // `after_task` is called after each task that ran.
  Process(World& world, std::function<void()> after_task)
      : world_(world), after_task_(std::move(after_task)) {}

  // The only thread there is runs whatever runs.
  bool is_current() const override { return true; }
  void post(Task task) override;
  net::TimerId schedule(std::int64_t delay_ms, Task task) override;
  void cancel(net::TimerId id) override;

  // Runs `task` now, as a task of this process; not when it has ended.
  void run(Task task);

  bool alive() const { return alive_; }
  // Nothing of it runs any more.
  void end();
  // Runs what was posted up to now, at once.
  void run_posted();

 private:
  World& world_;
  const std::function<void()> after_task_;
  bool alive_ = true;
  std::map<EventId, bool> events_;  // those to come; true: posted, false: scheduled
};

}  // namespace tombolo::sim
