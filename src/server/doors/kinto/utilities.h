// Endpoints about the server itself: hello, heartbeats, version, flush.
#pragma once

#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

net::HttpResponse hello(const DoorContext& door, const Call& call);
net::HttpResponse version();
// {"storage":true,...}, 503 when the storage does not answer.
net::HttpResponse heartbeat(bool storage_answers);
// Removes everything.
Answer flush(Scope& scope);

}  // namespace tombolo::server::kinto
