// What one seed makes of a world: who is in it, what they do, and what goes wrong. Every seed draws
// its own subset of faults and its own limits, so that all of them together meet what no fixed set
// of parameters would.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/configuration.h"
#include "sim/disk.h"
#include "sim/wires.h"

#include "tombolo/database.h"

namespace tombolo::sim {

inline constexpr const char* kBucket = "main";
inline constexpr const char* kServer = "server";
// Of this collection nobody but alice may see anything; the ids of its records begin with its name.
inline constexpr const char* kPrivate = "private";
// Counted, by devices with a stream remote only.
inline constexpr const char* kCounters = "counters";

struct DevicePlan {
  std::string name;
  RemoteKind kind = RemoteKind::stream;
  std::string user;
  Durability durability = Durability::full;
  ConflictPolicy policy = ConflictPolicy::merge;
  std::int64_t skew_ms = 0;
  std::int64_t drift_in_a_million = 0;
  WireConditions wires;
  std::optional<std::size_t> upload_batch_operations;
  int holds = 0;  // so many of the collections, and neither the private one nor counters; 0: all
  // Away from its 10th second on, for so long; 0: never.
  std::int64_t away_ms = 0;
};

struct CallerPlan {
  std::string name;
  std::string user;
  WireConditions wires;
};

// How often something happens: once in so many milliseconds in the mean; 0: never.
struct FaultPlan {
  std::int64_t server_death_ms = 0;
  std::int64_t device_death_ms = 0;
  std::int64_t partition_ms = 0;
  std::int64_t clock_jump_ms = 0;
  std::int64_t clock_jump_up_to_ms = 0;
  bool power_losses = true;  // or programs just die
  DiskFaultRates server_disk;
  DiskFaultRates device_disk;
};

struct Plan {
  std::uint64_t seed = 0;
  int collections = 1;
  int records = 5;  // in each collection, about which everybody quarrels
  bool private_collection = false;
  bool counters = false;
  std::vector<DevicePlan> devices;
  std::vector<CallerPlan> callers;
  FaultPlan faults;
  // A snapshot of the server's disk is made, and later it is restored; 0: never. Then nobody talks
  // to the kinto door: what it answered for can be lost.
  std::int64_t snapshot_at_ms = 0;
  std::int64_t restore_at_ms = 0;
  std::int64_t faulty_ms = 60'000;    // how long it goes on
  std::int64_t write_every_ms = 700;  // of each, in the mean
  std::int64_t poll_ms = 7'000;       // of kinto remotes
  server::Configuration configuration;

  std::vector<std::string> collection_names() const;
  std::string describe() const;  // one line
};

Plan plan_for(std::uint64_t seed);

// With nobody in it, nothing going wrong, and no limit out of the ordinary.
Plan usual_plan();

}  // namespace tombolo::sim
