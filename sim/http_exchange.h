// HTTP over simulated wires: requests and answers get lost, come twice, or come when nobody waits
// for them any more.
#pragma once

#include <memory>

#include "net/http_client.h"
#include "sim/machine.h"

namespace tombolo::sim {

class Internet;

// For the present life of `machine`'s program.
std::unique_ptr<net::HttpClient> make_simulated_http_client(Internet& internet, Machine& machine);

}  // namespace tombolo::sim
