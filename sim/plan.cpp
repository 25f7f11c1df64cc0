#include "sim/plan.h"

#include <algorithm>

namespace tombolo::sim {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kYearMs = 365 * 24 * kHourMs;

// A number from `low` to `high`.
std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

WireConditions draw_wires(Random& random) {
  WireConditions wires;
  wires.latency_us = between(random, 200, 40'000);
  wires.jitter_us = between(random, 0, 40'000);
  if (chance(random, 1, 2)) return wires;
  const auto sometimes = [&](std::uint64_t up_to) {
    return chance(random, 1, 2) ? random.below(up_to) : 0;
  };
  wires.straggler = sometimes(100);
  wires.breaks = sometimes(40);
  wires.request_lost = sometimes(150);
  wires.answer_lost = sometimes(150);
  wires.request_repeated = sometimes(100);
  wires.request_straggles = sometimes(60);
  if (chance(random, 1, 6)) wires.bytes_per_ms = between(random, 1, 20);
  return wires;
}

DevicePlan draw_device(Random& random, int index, bool clocks_are_wrong) {
  constexpr ConflictPolicy kPolicies[] = {ConflictPolicy::merge, ConflictPolicy::server_wins,
                                          ConflictPolicy::client_wins,
                                          ConflictPolicy::last_writer_wins};
  DevicePlan device;
  device.kind = chance(random, 3, 5) ? RemoteKind::stream : RemoteKind::kinto;
  device.name = (device.kind == RemoteKind::stream ? "stream" : "kinto") + std::to_string(index);
  device.user = chance(random, 2, 3) ? "alice" : "bob";
  device.policy = chance(random, 1, 2) ? ConflictPolicy::merge : kPolicies[random.below(4)];
  device.wires = draw_wires(random);
  if (clocks_are_wrong && chance(random, 1, 2)) {
    device.skew_ms = between(random, -2 * kHourMs, 2 * kHourMs);
    device.drift_in_a_million = between(random, -20'000, 20'000);
  }
  return device;
}

FaultPlan draw_faults(Random& random) {
  FaultPlan faults;
  const auto sometimes = [&](std::int64_t low, std::int64_t high) {
    return chance(random, 1, 2) ? between(random, low, high) : 0;
  };
  faults.server_death_ms = sometimes(5'000, 40'000);
  faults.device_death_ms = sometimes(5'000, 40'000);
  faults.partition_ms = sometimes(5'000, 40'000);
  faults.clock_jump_ms = chance(random, 1, 4) ? between(random, 5'000, 40'000) : 0;
  faults.clock_jump_up_to_ms = chance(random, 1, 4) ? 5 * kHourMs : 90'000;
  faults.power_losses = chance(random, 2, 3);
  constexpr std::uint64_t kRarely = 1'500;  // in a million
  switch (random.below(6)) {
    case 0:
      faults.server_disk.write_error = kRarely;
      break;
    case 1:
      faults.server_disk.sync_error = kRarely;
      break;
    case 2:
      faults.server_disk.full = 5 * kRarely;
      break;
    default:
      break;
  }
  switch (random.below(6)) {
    case 0:
      faults.device_disk.write_error = kRarely;
      break;
    case 1:
      faults.device_disk.sync_error = kRarely;
      break;
    case 2:
      faults.device_disk.full = 5 * kRarely;
      break;
    default:
      break;
  }
  return faults;
}

// Limits so small that what they bound is met.
void draw_limits(Random& random, server::Configuration& configuration) {
  const auto sometimes = [&](std::int64_t& limit, std::int64_t low, std::int64_t high) {
    if (chance(random, 1, 3)) limit = between(random, low, high);
  };
  sometimes(configuration.kinto.paginate_by, 1, 5);
  sometimes(configuration.kinto.batch_max_requests, 2, 5);
  sometimes(configuration.stream.max_uncommitted_operations, 1, 10);
  sometimes(configuration.stream.operations_per_second, 20, 200);
  sometimes(configuration.stream.operations_burst, 5, 50);
  sometimes(configuration.limits.queued_writes, 3, 20);
}

// An operator brings the server back as it once was.
void draw_restore(Random& random, Plan& plan) {
  for (DevicePlan& device : plan.devices) {
    device.kind = RemoteKind::stream;
    device.name = "stream" + device.name.substr(device.name.size() - 1);
    if (device.away_ms > kHourMs) device.away_ms = between(random, 20'000, kHourMs);
  }
  plan.callers.clear();
  plan.snapshot_at_ms = between(random, 1'000, plan.faulty_ms / 2);
  plan.restore_at_ms = between(random, plan.snapshot_at_ms + 1'000, plan.faulty_ms);
}

// What few worlds have.
void draw_rarities(Plan& plan) {
  SeededRandom random = random_for(plan.seed, "rarities");
  for (DevicePlan& device : plan.devices) {
    if (chance(random, 1, 8)) device.durability = Durability::relaxed;
    if (chance(random, 1, 8)) device.holds = static_cast<int>(between(random, 1, plan.collections));
  }
  if (chance(random, 1, 10)) draw_restore(random, plan);
}

// So that several batches are under way.
void draw_uploads(Plan& plan) {
  SeededRandom random = random_for(plan.seed, "uploads");
  if (!chance(random, 1, 3)) return;
  for (DevicePlan& device : plan.devices) {
    device.upload_batch_operations = static_cast<std::size_t>(between(random, 1, 8));
  }
}

}  // namespace

Plan usual_plan() {
  Plan plan;
  plan.configuration.log.requests = false;
  plan.configuration.stream.open_access = false;
  plan.configuration.stream.tokens = {{"token-of-alice", "alice"}, {"token-of-bob", "bob"}};
  return plan;
}

Plan plan_for(std::uint64_t seed) {
  SeededRandom random = random_for(seed, "plan");
  Plan plan = usual_plan();
  plan.seed = seed;
  plan.collections = static_cast<int>(between(random, 1, 5));
  plan.records = static_cast<int>(between(random, 2, 8));
  plan.private_collection = chance(random, 1, 2);
  plan.counters = chance(random, 1, 2);
  const bool clocks_are_wrong = chance(random, 1, 3);
  const std::int64_t devices = between(random, 2, 5);
  for (int index = 1; index <= devices; ++index) {
    plan.devices.push_back(draw_device(random, index, clocks_are_wrong));
  }
  if (chance(random, 1, 4)) {
    plan.devices.front().away_ms = chance(random, 1, 2)
                                       ? between(random, 20'000, kHourMs)
                                       : between(random, 30 * 24 * kHourMs, kYearMs);
  }
  for (std::int64_t index = between(random, 0, 2); index > 0; --index) {
    CallerPlan caller;
    caller.name = "caller" + std::to_string(index);
    caller.user = chance(random, 1, 2) ? "alice" : "bob";
    caller.wires = draw_wires(random);
    plan.callers.push_back(std::move(caller));
  }
  plan.faults = draw_faults(random);
  plan.faulty_ms = between(random, 20'000, 90'000);
  plan.write_every_ms = between(random, 200, 3'000);
  plan.poll_ms = between(random, 2'000, 20'000);
  draw_limits(random, plan.configuration);
  draw_rarities(plan);
  draw_uploads(plan);
  return plan;
}

std::vector<std::string> Plan::collection_names() const {
  std::vector<std::string> names;
  for (int index = 1; index <= collections; ++index) names.push_back("c" + std::to_string(index));
  return names;
}

std::string Plan::describe() const {
  std::string text;
  const auto say = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  const auto say_rate = [&](std::int64_t every_ms, const std::string& what) {
    if (every_ms > 0) say(what + " every " + std::to_string(every_ms) + " ms");
  };
  const auto say_disk = [&](const DiskFaultRates& rates, const std::string& whose) {
    if (rates.write_error > 0) say(whose + " disk fails to write");
    if (rates.sync_error > 0) say(whose + " disk fails to sync");
    if (rates.full > 0) say(whose + " disk is full at times");
  };
  for (const DevicePlan& device : devices) {
    std::string what = device.name + " of " + device.user;
    if (device.skew_ms != 0) what += " (clock " + std::to_string(device.skew_ms) + " ms)";
    if (device.durability == Durability::relaxed) what += " (relaxed)";
    if (device.upload_batch_operations) what += " (small uploads)";
    if (device.holds > 0) what += " (holds " + std::to_string(device.holds) + " collections)";
    if (device.away_ms > 0) what += " (away " + std::to_string(device.away_ms / 1000) + " s)";
    if (device.wires.breaks + device.wires.request_lost + device.wires.answer_lost > 0) {
      what += " (bad wires)";
    }
    if (device.wires.bytes_per_ms > 0) what += " (slow)";
    say(what);
  }
  for (const CallerPlan& caller : callers) say(caller.name + " of " + caller.user);
  say(std::to_string(collections) + " collections of " + std::to_string(records) + " records");
  if (private_collection) say("a private one");
  if (counters) say("counters");
  say(std::to_string(faulty_ms) + " ms");
  const std::string how = faults.power_losses ? " loses power" : " dies";
  say_rate(faults.server_death_ms, "the server" + how);
  say_rate(faults.device_death_ms, "a device" + how);
  say_rate(faults.partition_ms, "a wire is cut");
  say_rate(faults.clock_jump_ms, "a clock jumps");
  if (restore_at_ms > 0) {
    say("the server is restored at " + std::to_string(restore_at_ms) + " ms from " +
        std::to_string(snapshot_at_ms) + " ms");
  }
  say_disk(faults.server_disk, "the server's");
  say_disk(faults.device_disk, "a device's");
  return text;
}

}  // namespace tombolo::sim
