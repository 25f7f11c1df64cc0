// A closed loop of HTTP requests over many keep-alive connections from one thread: each connection
// sends its next request as soon as its answer has come.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tombolo/result.h"

namespace tombolo::bench {

struct HttpLoad {
  std::uint16_t port = 0;
  int connections = 1;
  int requests = 1000;
  // The bytes of request number `index`.
  std::function<std::string(int index)> request;
};

struct LoadResult {
  double seconds = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

// Error: protocol, when an answer has a status outside 200..399.
Result<LoadResult> run(const HttpLoad& load);

// A blocking connection to the loopback port; -1 when refused.
int connect_loopback(std::uint16_t port);

// Sends one request on a connection of its own and returns the whole answer, head and body.
Result<std::string> fetch(std::uint16_t port, const std::string& request);

}  // namespace tombolo::bench
