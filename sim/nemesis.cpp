#include "sim/nemesis.h"

namespace tombolo::sim {

Nemesis::Nemesis(World& world, Internet& internet, const Plan& plan, ServerMachine& server,
                 std::vector<std::unique_ptr<Device>>& devices)
    : world_(world),
      internet_(internet),
      plan_(plan),
      server_(server),
      devices_(devices),
      chance_(random_for(world.seed(), "nemesis")) {}

void Nemesis::start() {
  active_ = true;
  const FaultPlan& faults = plan_.faults;
  server_.disk().set_fault_rates(faults.server_disk);
  for (const auto& device : devices_) device->disk().set_fault_rates(faults.device_disk);
  every(faults.server_death_ms, &Nemesis::kill_server);
  every(faults.device_death_ms, &Nemesis::kill_device);
  every(faults.partition_ms, &Nemesis::cut_wire);
  every(faults.clock_jump_ms, &Nemesis::turn_clock);
}

void Nemesis::stop() {
  active_ = false;
  internet_.wires().mend_all();
  server_.disk().set_fault_rates({});
  for (const auto& device : devices_) {
    device->disk().set_fault_rates({});
    device->clock().set_skew_ms(0);
    device->clock().set_drift(0);
    internet_.wires().set_conditions(device->name(), {});
  }
}

void Nemesis::every(std::int64_t mean_ms, Deed deed) {
  if (mean_ms <= 0) return;
  const auto wait_ms =
      static_cast<std::int64_t>(chance_.below(static_cast<std::uint64_t>(2 * mean_ms)));
  world_.after_ms(wait_ms, [this, mean_ms, deed] {
    if (!active_) return;
    (this->*deed)();
    every(mean_ms, deed);
  });
}

Device& Nemesis::any_device() {
  return *devices_[chance_.below(devices_.size())];
}

void Nemesis::kill(Machine& machine) {
  constexpr std::int64_t kPatienceMs = 3'000;
  if (!machine.is_up()) return;
  const bool power = plan_.faults.power_losses && chance(chance_, 1, 2);
  ++(power ? counts.power_losses : counts.kills);
  // Mostly soon, in the middle of something.
  const auto nth = 1 + chance_.below(chance(chance_, 1, 2) ? 12 : 120);
  machine.die_at(power ? Death::power_loss : Death::killed, static_cast<std::int64_t>(nth),
                 kPatienceMs);
}

void Nemesis::kill_server() {
  kill(server_);
}

void Nemesis::kill_device() {
  kill(any_device());
}

// One way, or both, for a while.
void Nemesis::cut_wire() {
  constexpr std::uint64_t kLongestMs = 40'000;
  const std::string device = any_device().name();
  const std::uint64_t ways = 1 + chance_.below(3);
  Wires& wires = internet_.wires();
  if ((ways & 1) != 0) wires.cut(device, kServer);
  if ((ways & 2) != 0) wires.cut(kServer, device);
  world_.note("wires", "cut " + device);
  world_.after_ms(static_cast<std::int64_t>(chance_.below(kLongestMs)), [this, device] {
    internet_.wires().mend(device, kServer);
    internet_.wires().mend(kServer, device);
    world_.note("wires", "mended " + device);
  });
}

void Nemesis::turn_clock() {
  const std::int64_t range_ms = plan_.faults.clock_jump_up_to_ms;
  const auto drawn = chance_.below(static_cast<std::uint64_t>(2 * range_ms));
  const std::int64_t skew_ms = static_cast<std::int64_t>(drawn) - range_ms;
  ++counts.clock_jumps;
  const bool servers = chance(chance_, 1, 4);
  Machine& machine = servers ? static_cast<Machine&>(server_) : any_device();
  machine.clock().set_skew_ms(skew_ms);
  world_.note(machine.name(), "clock at " + std::to_string(skew_ms));
}

}  // namespace tombolo::sim
