// What goes wrong in a world, as its plan draws it: deaths within disk operations, cut wires,
// clocks that jump, disks with errors; and the end of all that.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/device.h"
#include "sim/internet.h"
#include "sim/plan.h"
#include "sim/server_machine.h"

namespace tombolo::sim {

struct FaultCounts {
  std::int64_t power_losses = 0;
  std::int64_t kills = 0;
  std::int64_t clock_jumps = 0;
};

class Nemesis {
 public:
  Nemesis(World& world, Internet& internet, const Plan& plan, ServerMachine& server,
          std::vector<std::unique_ptr<Device>>& devices);

  void start();
  // Mends everything; clocks are right again. Machines that are down come up by themselves.
  void stop();

  FaultCounts counts;

 private:
  using Deed = void (Nemesis::*)();

  void every(std::int64_t mean_ms, Deed deed);
  void kill_server();
  void kill_device();
  void cut_wire();
  void turn_clock();
  void kill(Machine& machine);
  Device& any_device();

  World& world_;
  Internet& internet_;
  const Plan& plan_;
  ServerMachine& server_;
  std::vector<std::unique_ptr<Device>>& devices_;
  SeededRandom chance_;
  bool active_ = false;
};

}  // namespace tombolo::sim
