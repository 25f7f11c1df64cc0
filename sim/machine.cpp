#include "sim/machine.h"

#include <utility>

namespace tombolo::sim {

Machine::Machine(World& world, std::string name)
    : world_(world),
      name_(std::move(name)),
      clock_(world.time()),
      disk_("sim-" + name_, world.seed(), world.time(), clock_),
      random_(random_for(world.seed(), name_ + " program")) {}

Machine::~Machine() = default;

void Machine::boot() {
  if (is_up()) return;
  ++lives_;
  process_ = std::make_shared<Process>(world_, [this] { after_task(); });
  planned_ = Death::killed;
  if (start()) {
    world_.note(name_, "up");
    if (!disk_.powered()) die(planned_);
    return;
  }
  world_.note(name_, "cannot start");
  die(disk_.powered() ? Death::killed : planned_);
}

void Machine::die_at(Death how, std::int64_t nth, std::int64_t patience_ms) {
  if (!is_up()) return;
  planned_ = how;
  disk_.cut_power_at(nth);
  world_.after_ms(patience_ms, [this, how, life = lives_] {
    if (is_up() && life == lives_) die(how);
  });
}

void Machine::after_task() {
  if (is_up() && !disk_.powered()) {
    world_.after_us(0, [this, life = lives_] {
      if (is_up() && life == lives_) die(planned_);
    });
  }
}

void Machine::die(Death how) {
  if (!is_up()) return;
  world_.note(name_, how == Death::killed ? "killed" : "power loss");
  death_ = how;
  // First the disk, so that what goes now changes nothing.
  if (how == Death::killed) {
    disk_.restart();
  } else {
    disk_.crash();
  }
  const std::shared_ptr<Process> process = std::exchange(process_, nullptr);
  process->end();
  for (const auto& mourner : std::exchange(mourners_, {})) mourner(how);
  drop();
  on_down(how);
}

void Machine::at_death(std::function<void(Death)> on_death) {
  mourners_.push_back(std::move(on_death));
}

}  // namespace tombolo::sim
