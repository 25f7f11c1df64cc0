// One world from its beginning to its verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/disk.h"
#include "sim/findings.h"
#include "sim/nemesis.h"
#include "sim/plan.h"
#include "sim/wires.h"

namespace tombolo::sim {

struct RunTotals {
  std::int64_t virtual_ms = 0;
  std::int64_t events = 0;
  std::int64_t writes = 0;      // promised
  std::int64_t operations = 0;  // in the server's log in the end
  std::int64_t requests = 0;    // of callers
  WireCounts wires;
  DiskCounts disks;
  FaultCounts faults;
};

struct RunResult {
  std::uint64_t trace_hash = 0;
  RunTotals totals;
  std::vector<Finding> findings;
};

// Sees what happens, as it happens.
using Listener =
    std::function<void(std::int64_t at_us, std::string_view who, std::string_view what)>;

// Runs the world of `plan`. `report`, when given, gets the state of everything about the records
// with findings.
RunResult run(const Plan& plan, const Listener& listener = {}, std::string* report = nullptr);

}  // namespace tombolo::sim
