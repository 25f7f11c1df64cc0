// A whole server on a free port of the loopback interface, with a database that goes with it, and a
// client to talk to it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client.h"

namespace tombolo::kinto_cases {

class TestServer {
 public:
  // Settings by their dotted names ("kinto.flush_enabled", "true"). Aborts when it cannot start.
  explicit TestServer(const std::vector<std::pair<std::string, std::string>>& settings = {});
  ~TestServer();

  std::string origin() const;  // "http://127.0.0.1:port"

  // Waits for the answer.
  Result<net::ClientResponse> send(net::ClientRequest request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::kinto_cases
