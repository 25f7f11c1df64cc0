// What goes wrong in a run: a plan of faults from a seed, and who makes them happen.
//
// Each kind of fault follows its own rhythm, so that different kinds overlap and one kind never
// overlaps itself. A run has some of the kinds, not all: rare combinations come up that way.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "device.h"
#include "network.h"
#include "server.h"

namespace tombolo::chaos {

enum class FaultKind {
  kill_devices,
  kill_server,
  pause_devices,
  pause_server,
  lose_file,  // of a device that says that it is synced
  go_offline,
  // With a network of namespaces only:
  partition,    // packets of some devices, or all, vanish: one way or both
  link_down,    // of some devices, or of the server
  bad_weather,  // delay, loss, duplication, reordering, for all
};
inline constexpr std::array<FaultKind, 9> kFaultKinds = {
    FaultKind::kill_devices, FaultKind::kill_server, FaultKind::pause_devices,
    FaultKind::pause_server, FaultKind::lose_file,   FaultKind::go_offline,
    FaultKind::partition,    FaultKind::link_down,   FaultKind::bad_weather};
std::string_view name_of(FaultKind kind);
bool needs_network(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kill_devices;
  std::int64_t from_ms = 0;  // from the start of the run
  std::int64_t to_ms = 0;
  std::vector<std::size_t> devices;  // those that it meets
  bool meets_server = false;         // link_down: the server's link, and no device's
  bool incoming = true;              // partition: which packets vanish
  bool outgoing = true;
  Weather weather;
};

// Sorted by their beginning; all have ended at `length_ms`.
std::vector<Fault> make_plan(std::uint64_t seed, std::size_t devices, std::int64_t length_ms,
                             bool with_network);

class Nemesis {
 public:
  // `network` may be null.
  Nemesis(Server& server, std::vector<std::unique_ptr<Device>>& devices, Network* network)
      : server_(server), devices_(devices), network_(network) {}

  // Makes the plan happen, in real time; at the end everything is healed, and the server runs. On
  // the thread that owns the server.
  void run(const std::vector<Fault>& plan);

  const std::map<FaultKind, int>& counts() const { return counts_; }

 private:
  void begin(const Fault& fault);
  void end(const Fault& fault);

  Server& server_;
  std::vector<std::unique_ptr<Device>>& devices_;
  Network* network_;
  std::map<FaultKind, int> counts_;
};

}  // namespace tombolo::chaos
