// The server: storage, writer, feed, identity and doors on one HTTP server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "server/configuration.h"

#include "tombolo/result.h"

namespace tombolo::server {

class Server {
 public:
  // Opens the database and listens. Errors say what to do: the port is in use, another server has
  // the file, the file is damaged, of another program or of a newer Tombolo, the directory cannot
  // be written. `on_failed` is called (once, on a thread of the server) when the storage fails for
  // good: stop the server, end the process and start it again. The references must outlive it.
  static Result<std::unique_ptr<Server>> start(Configuration configuration, const Clock& clock,
                                               Random& random, Logger& logger,
                                               std::function<void()> on_failed = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  const Configuration& configuration() const;

  // Takes no more requests, answers those in progress, commits, closes. Idempotent.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::server
