// The stream door: WebSockets that speak the stream protocol (Kora protocol sections 5 to 9), at
// /v1/buckets/{bucket}/stream, and at /kora-sync for the configured default bucket.
//
// A connection belongs to one I/O thread, and so does everything that concerns it: a StreamHub for
// each thread holds its sessions. Uploads go through the Writer; commits come back through the
// Feed, once to each thread, and sessions that are up to date share one encoded frame.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "server/door.h"

namespace tombolo::server::stream {

class StreamHub;

class StreamDoor final : public Door {
 public:
  explicit StreamDoor(const DoorContext& context);
  ~StreamDoor() override;

  bool handle(net::HttpRequest& request, net::HttpResponder& responder) override;
  void stop() override;

 private:
  std::optional<std::string> bucket_of(std::string_view path) const;
  std::shared_ptr<StreamHub> hub_of(const std::shared_ptr<net::Executor>& executor);
  void announce(const FeedEvent& event, net::DeliveryBatch& deliveries);

  const DoorContext context_;
  const std::string tag_;  // of this door's messages, unlike every other process's
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::map<net::Executor*, std::shared_ptr<StreamHub>> hubs_;
  Feed::Subscription subscription_;  // last: ends before what its listener uses
};

}  // namespace tombolo::server::stream
