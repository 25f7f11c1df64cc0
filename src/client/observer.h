// Somebody who is to be told: the shared part of a Subscription or LiveQuery (query_observer.h) and
// the thread that calls it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "client/bell.h"

#include "tombolo/event.h"

namespace tombolo::client {

class Observer {
 public:
  // `bell`: of the thread that calls, which lets go of an observer that was stopped.
  explicit Observer(std::shared_ptr<Bell> bell) : bell_(std::move(bell)) {}
  virtual ~Observer() = default;

  // No call begins afterwards; waits for one in progress, unless called from inside it.
  void stop();
  bool stopped();

 protected:
  // Calls `call` unless stopped. On the notification thread.
  void deliver(const std::function<void()>& call);

 private:
  const std::shared_ptr<Bell> bell_;
  std::mutex mutex_;
  std::condition_variable idle_;
  bool stopped_ = false;
  bool running_ = false;
  std::thread::id runner_;
};

class EventObserver final : public Observer {
 public:
  EventObserver(std::shared_ptr<Bell> bell, std::function<void(const Event&)> callback)
      : Observer(std::move(bell)), callback_(std::move(callback)) {}
  void tell(const Event& event) {
    deliver([&] { callback_(event); });
  }

 private:
  std::function<void(const Event&)> callback_;
};

}  // namespace tombolo::client
