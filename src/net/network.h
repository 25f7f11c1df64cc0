// How a client reaches its servers, so that a simulator can put a network of its own in the place
// of sockets.
#pragma once

#include <functional>
#include <memory>

#include "net/executor.h"
#include "net/http_client.h"
#include "net/websocket_client.h"

#include "tombolo/result.h"

namespace tombolo::net {

class Network {
 public:
  virtual ~Network() = default;

  // Where all callbacks run.
  virtual const std::shared_ptr<Executor>& executor() const = 0;

  // As net::connect_websocket().
  [[nodiscard]] virtual WebSocketConnect connect_websocket(
      WebSocketConnectOptions options, std::function<void(Result<OpenedWebSocket>)> done) = 0;

  virtual std::unique_ptr<HttpClient> http_client(HttpClientOptions options) = 0;

  // Ends every connection, after what was posted to the executor before. Idempotent. Not on the
  // executor itself.
  virtual void stop() = 0;
};

// The machine's own, with an IoThread of its own. Destroying it stops it.
std::shared_ptr<Network> start_network();

}  // namespace tombolo::net
