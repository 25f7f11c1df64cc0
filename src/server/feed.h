// The feed tells who waits for a bucket what each commit added to its log. It is called between a
// commit and its answers, on the writer's thread, and only passes the news on: what must be done on
// another thread goes into the DeliveryBatch, so that one commit crosses to each thread once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_responder.h"
#include "server/storage/permission_set.h"

namespace tombolo::server {

// An operation of the commit, shared by everybody who relays it.
struct FeedOperation {
  std::int64_t delivery_sequence = 0;
  std::string node;
  std::string collection;
  std::string body;  // the operation's JSON
  PermissionsKey record_permissions = kNoPermissions;
};

struct FeedEvent {
  std::string bucket;
  std::int64_t first_sequence = 0;  // of this commit
  std::int64_t last_sequence = 0;   // the highest that is committed
  // first_sequence..last_sequence without a gap.
  std::shared_ptr<const std::vector<FeedOperation>> operations;
};

class Feed {
 public:
  // Must be quick, and must not subscribe or unsubscribe itself.
  using Listener = std::function<void(const FeedEvent&, net::DeliveryBatch&)>;

  // Ends when destroyed: after that the listener does not run and is not running.
  class [[nodiscard]] Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&&) noexcept = default;
    ~Subscription() = default;

   private:
    friend class Feed;
    explicit Subscription(std::shared_ptr<void> token) : token_(std::move(token)) {}
    std::shared_ptr<void> token_;
  };

  Feed();
  ~Feed();

  // Any thread. An empty bucket listens to all. The Feed must outlive the subscription.
  Subscription subscribe(std::string bucket, Listener listener);

  bool has_listeners(std::string_view bucket) const;  // any thread
  void announce(const FeedEvent& event, net::DeliveryBatch& deliveries);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tombolo::server
