// One run: a server and devices as processes, work and faults, then peace, and a verdict.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkers.h"
#include "nemesis.h"

namespace tombolo::chaos {

struct RunOptions {
  std::string program;  // tombolo
  std::string folder;   // a new one, for everything that the run makes
  std::uint64_t seed = 1;
  std::size_t devices = 5;
  std::int64_t length_ms = 8'000;  // of work and faults
  bool with_network = false;
  // In peace nobody asks a device to sync. It waits as long as its failures have taught it to.
  bool must_come_back_alone = false;
};

struct RunReport {
  std::vector<Violation> violations;
  History history;
  std::int64_t done = 0, refused = 0, unknown = 0;  // transactions
  std::map<FaultKind, int> faults;
  Network::Counts packets;
  std::int64_t torn_views = 0;
  // From the end of the faults until each device says that it is synced, and until all hold the
  // same.
  std::int64_t synced_ms = 0;
  std::int64_t converged_ms = 0;
};

RunReport run(const RunOptions& options);

// One line for people.
std::string summary(const RunOptions& options, const RunReport& report);
// What did not hold, with the stories of the keys in question.
std::string explanation(const RunOptions& options, const RunReport& report);

}  // namespace tombolo::chaos
