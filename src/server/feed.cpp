#include "server/feed.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace tombolo::server {

struct Feed::State {
  mutable std::shared_mutex mutex;  // held shared while listeners run, so that ending one waits
  std::multimap<std::string, Listener, std::less<>> listeners;
};

Feed::Feed() : state_(std::make_shared<State>()) {}
Feed::~Feed() = default;

Feed::Subscription Feed::subscribe(std::string bucket, Listener listener) {
  std::unique_lock lock(state_->mutex);
  const auto place = state_->listeners.emplace(std::move(bucket), std::move(listener));
  lock.unlock();
  std::shared_ptr<void> token(static_cast<void*>(this), [state = state_, place](void*) {
    const std::unique_lock erase_lock(state->mutex);
    state->listeners.erase(place);
  });
  return Subscription(std::move(token));
}

bool Feed::has_listeners(std::string_view bucket) const {
  const std::shared_lock lock(state_->mutex);
  return state_->listeners.contains(bucket) || state_->listeners.contains(std::string_view());
}

void Feed::announce(const FeedEvent& event, net::DeliveryBatch& deliveries) {
  const std::shared_lock lock(state_->mutex);
  for (const std::string_view bucket : {std::string_view(event.bucket), std::string_view()}) {
    const auto [begin, end] = state_->listeners.equal_range(bucket);
    for (auto listener = begin; listener != end; ++listener) {
      listener->second(event, deliveries);
    }
  }
}

}  // namespace tombolo::server
