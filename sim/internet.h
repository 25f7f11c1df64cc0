// The internet of a simulated world: hosts with names that programs serve on, and for each program
// a net::Network by which it reaches them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "net/http_message.h"
#include "net/http_responder.h"
#include "net/network.h"
#include "sim/machine.h"
#include "sim/wires.h"

namespace tombolo::sim {

using Handler = std::function<void(net::HttpRequest&&, net::HttpResponder)>;

class Internet {
 public:
  explicit Internet(World& world) : wires_(world) {}

  Wires& wires() { return wires_; }
  const Wires& wires() const { return wires_; }

  // Makes the machine a host under its name, whenever its program is up.
  void serve(Machine& machine, Handler handler);

  struct Host {
    Machine& machine;
    Handler handler;
  };
  const Host* find(const std::string& name) const;

  // What the present life of `machine`'s program reaches the hosts by.
  std::shared_ptr<net::Network> network_of(Machine& machine);

 private:
  Wires wires_;
  std::map<std::string, Host> hosts_;
};

}  // namespace tombolo::sim
