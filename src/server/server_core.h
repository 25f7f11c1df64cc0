// Everything of a server but its threads and its sockets: storage, writer, feed, identity and
// doors. Whoever owns it (Server, or a simulator) brings the requests, lets the writer commit, and
// sees to the checkpoints.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/http_message.h"
#include "net/http_responder.h"
#include "server/configuration.h"
#include "server/storage/sqlite_storage.h"
#include "server/writer.h"

#include "tombolo/result.h"

namespace tombolo::server {

class ServerCore {
 public:
  // Opens the database. Errors as Server::start(). The references must outlive it.
  static Result<std::unique_ptr<ServerCore>> open(Configuration configuration,
                                                  const SqliteStorageOptions& storage,
                                                  const Clock& clock, Random& random,
                                                  Logger& logger);
  ~ServerCore();
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;

  const Configuration& configuration() const;
  Storage& storage();
  Writer& writer();

  // Answers a request now or later. On the executor of its connection.
  void handle(net::HttpRequest&& request, net::HttpResponder responder);

  // The doors end what lasts; requests in progress are still answered. Any thread.
  void stop_doors();

 private:
  struct State;
  explicit ServerCore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::server
