// One line for each request: a responder that logs what passes through it.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "net/http_responder.h"

namespace tombolo::server {

// A responder in place of `responder` that logs method, path, status, size and time when it
// answers. The query is left out: it may carry a token.
net::HttpResponder logged(net::HttpResponder responder, const net::HttpRequest& request,
                          const Clock& clock, Logger& logger);

}  // namespace tombolo::server
