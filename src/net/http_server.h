// An HTTP/1.1 and WebSocket server on a few IoThreads.
//
// Requests of one connection are handled one after the other, in order (a pipelined request waits
// for the answer before it); answers that are ready together leave in one write. An idle connection
// owns no buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/http_responder.h"
#include "net/io_thread.h"
#include "net/websocket_connection.h"

#include "tombolo/result.h"

namespace tombolo::net {

// What a peer may ask of one connection. Beyond a limit it is answered with the status named, and
// the connection is closed.
struct HttpLimits {
  std::size_t header_bytes = 32 * 1024;       // request line and headers together: 431
  std::size_t header_fields = 100;            // 431
  std::size_t target_bytes = 16 * 1024;       // 414
  std::size_t body_bytes = 16 * 1024 * 1024;  // 413
  std::int64_t idle_timeout_ms = 75'000;      // between requests: closed without a word
  std::int64_t header_timeout_ms = 10'000;    // from the first byte to the end of the headers: 408
  std::int64_t body_timeout_ms = 60'000;      // from the headers to the end of the body: 408
  std::int64_t write_timeout_ms = 30'000;     // without the peer reading anything: dropped
};

// Time limits are kept to a tenth of a second.
struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IPv4 or IPv6 address, e.g. "0.0.0.0" or "::"
  std::uint16_t port = 0;             // 0: a free one
  std::size_t threads = 1;
  std::size_t max_connections = 50'000;  // of all threads together; more are closed at once
  HttpLimits limits = {};
};

// Called on the connection's IoThread for every request. It must not block; the answer may be given
// inside the call or later, from any thread.
using HttpHandler = std::function<void(HttpRequest&&, HttpResponder)>;

class HttpServer {
 public:
  // Binds, listens and starts its threads; `handler` may be called before start() returns. `logger`
  // must outlive the server. Fails when the address is none of this machine's or the port is in
  // use.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   HttpHandler handler, Logger& logger);

  ~HttpServer();  // stop(0), unless it was called
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  const std::vector<std::shared_ptr<IoThread>>& io_threads() const;
  std::size_t connection_count() const;  // open now, of both kinds

  // Stops accepting, lets requests in progress be answered, closes WebSockets with 1001 and idle
  // connections at once. Returns when all are gone, or after `timeout_ms`, when what is left is
  // cut. Its threads have ended then: answers given later go nowhere. Idempotent; not on an
  // IoThread.
  void stop(std::int64_t timeout_ms);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::net
