// Somebody who is to be told: the shared part of a Subscription or LiveQuery and the thread that
// calls it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tombolo/event.h"
#include "tombolo/live_query.h"
#include "tombolo/query.h"

namespace tombolo::client {

class Observer {
 public:
  virtual ~Observer() = default;

  // No call begins afterwards; waits for one in progress, unless called from inside it.
  void stop();
  bool stopped();

 protected:
  // Calls `call` unless stopped. On the notification thread.
  void deliver(const std::function<void()>& call);

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  bool stopped_ = false;
  bool running_ = false;
  std::thread::id runner_;
};

class EventObserver final : public Observer {
 public:
  explicit EventObserver(std::function<void(const Event&)> callback)
      : callback_(std::move(callback)) {}
  void tell(const Event& event) {
    deliver([&] { callback_(event); });
  }

 private:
  std::function<void(const Event&)> callback_;
};

struct ReadConnection;

// A query and the answer that its observer knows: each record's key, id and the revision that it
// was told of.
class QueryObserver final : public Observer {
 public:
  QueryObserver(std::string collection, QuerySpecification query,
                std::function<void(const Changes&)> callback)
      : collection_(std::move(collection)),
        query_(std::move(query)),
        callback_(std::move(callback)) {}

  const std::string& collection() const { return collection_; }
  bool told() const { return told_; }  // on the notification thread

  // Asks again and tells the difference, if there is one.
  void refresh(const ReadConnection& read, std::int64_t collection_key);

 private:
  struct Known {
    std::string id;
    std::int64_t revision = 0;
  };
  using Answer = std::map<std::int64_t, Known>;
  Result<Answer> difference(const ReadConnection& read, std::int64_t collection_key,
                            Changes& changes);

  const std::string collection_;
  const QuerySpecification query_;
  const std::function<void(const Changes&)> callback_;
  bool told_ = false;
  Answer known_;
};

}  // namespace tombolo::client
