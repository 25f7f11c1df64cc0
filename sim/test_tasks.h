// For tests: an executor whose tasks run when the test says so, one after the other.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "net/executor.h"
#include "sim/virtual_clock.h"

namespace tombolo::sim {

class TestTasks final : public net::Executor {
 public:
  explicit TestTasks(VirtualTime& time) : time_(time) {}

  bool is_current() const override { return true; }
  void post(net::Task task) override { posted_.push_back(std::move(task)); }
  net::TimerId schedule(std::int64_t delay_ms, net::Task task) override {
    scheduled_.emplace(++last_, std::pair(time_.microseconds() + delay_ms * 1000, std::move(task)));
    return last_;
  }
  void cancel(net::TimerId id) override { scheduled_.erase(id); }

  // Runs what is due, until nothing is.
  void run() {
    for (;;) {
      for (auto next = scheduled_.begin(); next != scheduled_.end();) {
        if (next->second.first > time_.microseconds()) {
          ++next;
        } else {
          post(std::move(next->second.second));
          next = scheduled_.erase(next);
        }
      }
      if (posted_.empty()) return;
      net::Task task = std::move(posted_.front());
      posted_.pop_front();
      task();
    }
  }
  void clear() {
    posted_.clear();
    scheduled_.clear();
  }

 private:
  VirtualTime& time_;
  std::deque<net::Task> posted_;
  std::map<net::TimerId, std::pair<std::int64_t, net::Task>> scheduled_;
  net::TimerId last_ = 0;
};

}  // namespace tombolo::sim
