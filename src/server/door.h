// A door: one way by which the outside world talks to the server. It translates; the data and the
// rules are behind it.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/http_responder.h"
#include "server/configuration.h"
#include "server/feed.h"
#include "server/identity/identity.h"
#include "server/identity/permissions.h"
#include "server/readers.h"
#include "server/storage/storage.h"
#include "server/writer.h"

namespace tombolo::server {

// What a door works with. All of it outlives the door.
struct DoorContext {
  const Configuration& configuration;
  Storage& storage;
  Readers& readers;
  Writer& writer;
  Feed& feed;
  const Authenticator& authenticator;
  const AccessControl& access;
  const Clock& clock;
  Random& random;  // thread-safe
  Logger& logger;
};

class Door {
 public:
  virtual ~Door() = default;

  // Takes the request (moves from both and answers now or later) when its path is the door's, and
  // answers true; leaves both untouched otherwise. Called on the I/O thread of the connection; must
  // not block.
  virtual bool handle(net::HttpRequest& request, net::HttpResponder& responder) = 0;

  // The server stops: end what lasts (sessions, long polls). Requests in progress are still
  // answered.
  virtual void stop() {}
};

}  // namespace tombolo::server
