#include "nemesis.h"

#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

#include "os/clock.h"
#include "sim/random.h"

namespace tombolo::chaos {

namespace {

constexpr std::int64_t kShortest_ms = 20;
constexpr std::int64_t kLongest_ms = 2'500;

std::int64_t between(Random& random, std::int64_t least, std::int64_t most) {
  return least +
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

// One, some, most or all.
std::vector<std::size_t> choose(Random& random, std::size_t devices) {
  std::vector<std::size_t> chosen;
  const std::uint64_t in_four = 1 + random.below(4);
  for (std::size_t device = 0; device < devices; ++device) {
    if (sim::chance(random, in_four, 4)) chosen.push_back(device);
  }
  if (chosen.empty() || sim::chance(random, 1, 3)) chosen = {random.below(devices)};
  return chosen;
}

Weather make_weather(Random& random) {
  Weather weather;
  if (sim::chance(random, 2, 3)) {
    weather.delay_ms = between(random, 1, 150);
    if (sim::chance(random, 1, 2)) weather.jitter_ms = between(random, 1, weather.delay_ms);
    if (sim::chance(random, 1, 2)) weather.reorder = random.below(250);
  }
  if (sim::chance(random, 1, 2)) weather.loss = random.below(200);
  if (sim::chance(random, 1, 2)) weather.duplicate = random.below(200);
  return weather;
}

Fault make_fault(FaultKind kind, std::size_t devices, Random& random) {
  Fault fault;
  fault.kind = kind;
  switch (kind) {
    case FaultKind::kill_devices:
    case FaultKind::pause_devices:
    case FaultKind::go_offline:
      fault.devices = choose(random, devices);
      break;
    case FaultKind::lose_file:
      fault.devices = {random.below(devices)};
      break;
    case FaultKind::partition: {
      fault.devices = choose(random, devices);
      const std::uint64_t way = random.below(3);
      fault.incoming = way != 0;
      fault.outgoing = way != 1;
      break;
    }
    case FaultKind::link_down:
      fault.meets_server = sim::chance(random, 1, 4);
      if (!fault.meets_server) fault.devices = choose(random, devices);
      break;
    case FaultKind::bad_weather:
      fault.weather = make_weather(random);
      break;
    case FaultKind::kill_server:
    case FaultKind::pause_server:
      break;
  }
  return fault;
}

void add_faults(std::vector<Fault>& plan, FaultKind kind, Random& random, std::size_t devices,
                std::int64_t length_ms) {
  // Now and then, or one after the other, down to kills while the process is coming up.
  constexpr std::array<std::int64_t, 3> kPaces_ms = {150, 1'000, 2'500};
  const std::int64_t pace_ms = kPaces_ms.at(random.below(kPaces_ms.size()));
  const std::int64_t longest_ms = sim::chance(random, 1, 3) ? kLongest_ms / 10 : kLongest_ms;
  for (std::int64_t at_ms = between(random, 0, pace_ms); at_ms < length_ms;
       at_ms += between(random, 1, 2 * pace_ms)) {
    Fault fault = make_fault(kind, devices, random);
    fault.from_ms = at_ms;
    at_ms += between(random, kShortest_ms, longest_ms);
    fault.to_ms = std::min(at_ms, length_ms);
    plan.push_back(std::move(fault));
  }
}

}  // namespace

std::string_view name_of(FaultKind kind) {
  constexpr std::array<std::string_view, kFaultKinds.size()> kNames = {
      "kill",    "kill-server", "pause",     "pause-server", "lose-file",
      "offline", "partition",   "link-down", "weather"};
  return kNames.at(static_cast<std::size_t>(kind));
}

bool needs_network(FaultKind kind) {
  return kind >= FaultKind::partition;
}

std::vector<Fault> make_plan(std::uint64_t seed, std::size_t devices, std::int64_t length_ms,
                             bool with_network) {
  std::vector<Fault> plan;
  SeededRandom choice = sim::random_for(seed, "kinds of faults");
  const FaultKind always = kFaultKinds.at(choice.below(with_network ? kFaultKinds.size() : 2));
  for (const FaultKind kind : kFaultKinds) {
    const bool is_chosen = sim::chance(choice, 1, 2) || kind == always;
    if (!is_chosen || (needs_network(kind) && !with_network)) continue;
    SeededRandom random = sim::random_for(seed, name_of(kind));
    add_faults(plan, kind, random, devices, length_ms);
  }
  std::ranges::sort(plan, {},
                    [](const Fault& fault) { return std::pair(fault.from_ms, fault.kind); });
  return plan;
}

void Nemesis::begin(const Fault& fault) {
  ++counts_[fault.kind];
  if (fault.kind == FaultKind::kill_server) server_.kill();
  if (fault.kind == FaultKind::pause_server) server_.pause();
  if (fault.kind == FaultKind::bad_weather) network_->set_weather(fault.weather);
  if (fault.kind == FaultKind::link_down && fault.meets_server) (void)network_->set_link(0, false);
  for (const std::size_t number : fault.devices) {
    Device& device = *devices_[number];
    if (fault.kind == FaultKind::kill_devices) device.kill();
    if (fault.kind == FaultKind::pause_devices) device.pause();
    if (fault.kind == FaultKind::lose_file) device.lose_file();
    if (fault.kind == FaultKind::go_offline) device.set_offline(true);
    if (fault.kind == FaultKind::partition) {
      network_->cut(number + 1, fault.incoming, fault.outgoing);
    }
    if (fault.kind == FaultKind::link_down) (void)network_->set_link(number + 1, false);
  }
}

void Nemesis::end(const Fault& fault) {
  if (fault.kind == FaultKind::kill_server) server_.start();
  if (fault.kind == FaultKind::pause_server) server_.resume();
  if (fault.kind == FaultKind::bad_weather) network_->set_weather({});
  if (fault.kind == FaultKind::link_down && fault.meets_server) (void)network_->set_link(0, true);
  for (const std::size_t number : fault.devices) {
    Device& device = *devices_[number];
    if (fault.kind == FaultKind::kill_devices) device.revive();
    if (fault.kind == FaultKind::pause_devices) device.resume();
    if (fault.kind == FaultKind::go_offline) device.set_offline(false);
    if (fault.kind == FaultKind::partition) network_->cut(number + 1, false, false);
    if (fault.kind == FaultKind::link_down) (void)network_->set_link(number + 1, true);
  }
}

void Nemesis::run(const std::vector<Fault>& plan) {
  struct Moment {
    std::int64_t at_ms;
    bool is_end;
    const Fault* fault;
  };
  std::vector<Moment> moments;
  for (const Fault& fault : plan) {
    moments.push_back({fault.from_ms, false, &fault});
    moments.push_back({fault.to_ms, true, &fault});
  }
  std::ranges::sort(moments, {}, [](const Moment& moment) {
    return std::tuple(moment.at_ms, !moment.is_end, moment.fault);
  });
  const os::SystemClock clock;
  const std::int64_t began_ms = clock.monotonic_ms();
  for (const Moment& moment : moments) {
    const std::int64_t left_ms = began_ms + moment.at_ms - clock.monotonic_ms();
    if (left_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(left_ms));
    if (moment.is_end) {
      end(*moment.fault);
    } else {
      begin(*moment.fault);
    }
  }
  if (network_ != nullptr) network_->heal();
  server_.resume();
  if (!server_.is_running()) server_.start();
  for (const auto& device : devices_) {
    device->set_offline(false);
    device->revive();
    device->resume();
  }
}

}  // namespace tombolo::chaos
