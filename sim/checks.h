// What must hold in every world. Each check is a function of its own that says what it found wrong;
// most are made when the faults have stopped and everybody has had the time to exchange.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/device.h"
#include "sim/findings.h"
#include "sim/history.h"
#include "sim/log_mirror.h"
#include "sim/server_machine.h"

namespace tombolo::sim {

struct Witnesses {
  const Plan& plan;
  ServerMachine& server;
  const std::vector<std::unique_ptr<Device>>& devices;
  const History& history;
  const LogMirror& log;
  Findings& findings;
};

// While it goes on, of one device: what it says of itself is true.
void check_status(const Witnesses& all, Device& device);

// In the end:

// What somebody was promised is in the server's log, or was overwritten by who had seen it before
// it got there, or stands in a ledger.
void check_durability(const Witnesses& all);
// Each write is in the log once, and counters have counted everything once.
void check_exactly_once(const Witnesses& all);
// All replicas and the server have the same records, in the same bytes.
void check_convergence(const Witnesses& all);
// Versions of a record follow each other: nobody overwrites what he said he would not, nobody reads
// what is older than what was there when he asked.
void check_versions(const Witnesses& all);
// What was removed by somebody who had seen all of it stays removed.
void check_removals(const Witnesses& all);
// Every write that is not there any more was overwritten by somebody who saw it, or stands in a
// ledger.
void check_ledgers(const Witnesses& all);

// The living records of a collection, by id, as canonical JSON without what only one door shows.
using Contents = std::map<std::string, std::string>;
Contents contents_of(const Database& database, const std::string& collection);
Contents contents_of(ServerMachine& server, const std::string& collection);

}  // namespace tombolo::sim
