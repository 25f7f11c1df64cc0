// An asynchronous HTTP/1.1 client, on one executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/http_message.h"
#include "net/io_thread.h"

#include "tombolo/result.h"

namespace tombolo::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};      // http:// or https://
  HttpHeaders headers = {};  // Host, Content-Length and Connection are the client's business
  std::string body = {};
  std::int64_t timeout_ms = 30'000;  // from the call to the whole answer
  std::size_t max_body_bytes = 64 * 1024 * 1024;
};

struct ClientResponse {
  int status = 0;
  HttpHeaders headers = {};
  std::string body = {};
};

struct HttpClientOptions {
  std::int64_t connect_timeout_ms = 10'000;
  std::int64_t keep_alive_ms = 30'000;   // a connection unused for longer is closed
  std::size_t connections_per_host = 6;  // more requests wait for one of them
  // https: the file of the PEM certificates to trust, and no others; empty: those of the system.
  std::string ca_file = {};
};

using RequestId = std::uint64_t;

class HttpClient {
 public:
  HttpClient() = default;
  // Cancels what is in progress; no callback runs once the destructor has returned, except when it
  // is called elsewhere than on the executor, where one may be just running.
  virtual ~HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  using Callback = std::function<void(Result<ClientResponse>)>;

  // Sends a request. Any thread. `done` is called exactly once, on the executor, with any answer of
  // the server (4xx and 5xx too) or an Error: invalid_argument (the URL, the ca_file), unavailable
  // (refused, reset, unknown host, a certificate that cannot be trusted), timeout, limit_exceeded
  // (the body), protocol (not HTTP, or not TLS), cancelled. Not called when the client is destroyed
  // or its executor stopped before. A request that was sent on a kept-alive connection which the
  // server was just closing is repeated once, if its method is idempotent.
  virtual RequestId send(ClientRequest request, Callback done) = 0;

  // Any thread. `done` gets `cancelled`, unless the answer is already there.
  virtual void cancel(RequestId id) = 0;
};

// A client with kept-alive connections.
std::unique_ptr<HttpClient> make_http_client(std::shared_ptr<IoThread> thread,
                                             HttpClientOptions options = {});

}  // namespace tombolo::net
