// A computer with a clock and a disk, on which one program runs, dies and runs again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/disk.h"
#include "sim/process.h"
#include "sim/virtual_clock.h"
#include "sim/world.h"

namespace tombolo::sim {

enum class Death {
  killed,      // the program; what it has written stays, and its connections are reset
  power_loss,  // what was not synced may be lost or torn, and the connections fall silent
};

class Machine {
 public:
  Machine(World& world, std::string name);
  virtual ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  World& world() { return world_; }
  const std::string& name() const { return name_; }
  VirtualClock& clock() { return clock_; }
  Disk& disk() { return disk_; }
  const Disk& disk() const { return disk_; }
  Random& random() { return random_; }  // the program's

  // Null while it is down.
  const std::shared_ptr<Process>& process() const { return process_; }
  bool is_up() const { return process_ != nullptr; }
  // Whether the power is on, so that packets for a program that is not there are answered.
  bool answers() const { return is_up() || death_ == Death::killed; }
  // Whether the running program can still have an effect on the world.
  bool is_effective() const { return is_up() && disk_.powered(); }

  // Starts the program; after a failed start it is down, killed.
  void boot();
  // Within the disk's `nth` operation from now. When it does not come to that in `patience_ms`, it
  // dies then.
  void die_at(Death how, std::int64_t nth, std::int64_t patience_ms);
  void die(Death how);
  // Calls `on_death` once when the present life ends.
  void at_death(std::function<void(Death)> on_death);

  std::int64_t lives() const { return lives_; }

 protected:
  // Makes the program's objects; false: it could not.
  virtual bool start() = 0;
  // Destroys them. The disk refuses everything.
  virtual void drop() = 0;
  // A life is over.
  virtual void on_down(Death) {}

 private:
  void after_task();

  World& world_;
  const std::string name_;
  VirtualClock clock_;
  Disk disk_;
  SeededRandom random_;
  std::shared_ptr<Process> process_;
  Death death_ = Death::killed;    // the last one
  Death planned_ = Death::killed;  // the one that the disk's countdown brings
  std::vector<std::function<void(Death)>> mourners_;
  std::int64_t lives_ = 0;
};

}  // namespace tombolo::sim
