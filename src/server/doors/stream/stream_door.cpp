#include "server/doors/stream/stream_door.h"

#include <array>
#include <vector>

#include "base/text.h"
#include "net/websocket_connection.h"
#include "server/doors/stream/stream_hub.h"

namespace tombolo::server::stream {
namespace {

constexpr std::string_view kDefaultPath = "/kora-sync";
constexpr std::string_view kBucketsPath = "/v1/buckets/";
constexpr std::string_view kStreamSuffix = "/stream";

std::string random_tag(Random& random) {
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  return to_hex(bytes);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    const std::optional<std::string> byte = from_hex(text.substr(at + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out.append(*byte);
    at += 2;
  }
  if (out.empty() || !is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace

StreamDoor::StreamDoor(const DoorContext& context)
    : context_(context), tag_(random_tag(context.random)) {
  subscription_ =
      context_.feed.subscribe("", [this](const FeedEvent& event, net::DeliveryBatch& deliveries) {
        announce(event, deliveries);
      });
}

StreamDoor::~StreamDoor() = default;

std::optional<std::string> StreamDoor::bucket_of(std::string_view path) const {
  if (path == kDefaultPath) return context_.configuration.stream.default_bucket;
  if (!path.starts_with(kBucketsPath) || !path.ends_with(kStreamSuffix)) return std::nullopt;
  path.remove_prefix(kBucketsPath.size());
  if (path.size() <= kStreamSuffix.size()) return std::nullopt;
  path.remove_suffix(kStreamSuffix.size());
  if (path.find('/') != std::string_view::npos) return std::nullopt;
  return percent_decoded(path);
}

std::shared_ptr<StreamHub> StreamDoor::hub_of(const std::shared_ptr<net::Executor>& executor) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<StreamHub>& hub = hubs_[executor.get()];
  if (hub == nullptr) {
    hub =
        std::make_shared<StreamHub>(context_, executor, tag_ + "." + std::to_string(hubs_.size()));
  }
  return hub;
}

bool StreamDoor::handle(net::HttpRequest& request, net::HttpResponder& responder) {
  std::optional<std::string> bucket = bucket_of(request.path());
  if (!bucket) return false;
  const std::shared_ptr<net::Executor> executor = responder.executor();
  if (stopping_ || executor == nullptr) {
    responder.send({503, {}, "The server is stopping; connect again in a moment.\n"});
    return true;
  }
  Identity identity =
      context_.authenticator.authenticate(request.headers.get("Authorization").value_or(""));
  net::WebSocketOptions options;
  options.max_message_bytes = static_cast<std::size_t>(context_.configuration.limits.message_bytes);
  responder.upgrade(options, [hub = hub_of(executor), bucket = std::move(*bucket),
                              identity = std::move(identity)](
                                 std::shared_ptr<net::WebSocketConnection> connection) mutable {
    hub->add(std::move(connection), std::move(bucket), std::move(identity));
  });
  return true;
}

// Called on the writer's thread.
void StreamDoor::announce(const FeedEvent& event, net::DeliveryBatch& deliveries) {
  const std::lock_guard lock(mutex_);
  for (const auto& [executor, hub] : hubs_) {
    if (hub->session_count() == 0) continue;
    deliveries.add(hub->executor(), [hub, event] { hub->announce(event); });
  }
}

void StreamDoor::stop() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  for (const auto& [executor, hub] : hubs_) {
    hub->executor()->post([hub] { hub->close_all(); });
  }
}

}  // namespace tombolo::server::stream
