// Opens WebSockets (RFC 6455 section 4.1) as a client.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/http_message.h"
#include "net/io_thread.h"
#include "net/websocket_connection.h"

#include "tombolo/result.h"

namespace tombolo::net {

struct WebSocketConnectOptions {
  std::string url = {};                        // ws:// or wss://
  HttpHeaders headers = {};                    // added to the handshake, e.g. Authorization
  std::vector<std::string> subprotocols = {};  // offered; the server chooses one or none
  std::int64_t timeout_ms = 10'000;            // to connect and shake hands
  WebSocketOptions connection = {};
  // wss: the file of the PEM certificates to trust, and no others; empty: those of the system.
  std::string ca_file = {};
};

struct OpenedWebSocket {
  std::shared_ptr<WebSocketConnection> connection;
  std::string subprotocol;  // empty: the server chose none
};

// Drop the handle, or call cancel(), to give up; once connected it has no effect.
class WebSocketConnect {
 public:
  WebSocketConnect() = default;
  explicit WebSocketConnect(Task cancel) : cancel_(std::move(cancel)) {}
  WebSocketConnect(WebSocketConnect&&) = default;
  WebSocketConnect& operator=(WebSocketConnect&& other);
  ~WebSocketConnect() { cancel(); }
  void cancel();  // any thread

 private:
  Task cancel_;
};

// `done` is called once on `thread`, unless cancelled or the thread stops before: with the open
// connection (set its callbacks there), or an Error: invalid_argument (the URL, the ca_file),
// unavailable (refused, reset, unknown host, a certificate that cannot be trusted), timeout,
// unauthenticated (401), permission_denied (403), protocol (any other answer, or not TLS). The
// message says which status the server gave.
[[nodiscard]] WebSocketConnect connect_websocket(const std::shared_ptr<IoThread>& thread,
                                                 WebSocketConnectOptions options,
                                                 std::function<void(Result<OpenedWebSocket>)> done);

}  // namespace tombolo::net
