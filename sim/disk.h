// The disk of one simulated device, as a SQLite VFS that lives in memory. Any number of them may
// be there at once, each under a name of its own.
//
// What is written is seen by everybody at once, and survives a crash for certain only when the file
// was synced afterwards. A crash keeps, drops or tears (at sectors) each write that was not, as the
// seed decides; likewise a file that was made or deleted is there or not when its directory was not
// synced since. As with POSIX, syncing a file does not sync its directory; as in SQLite's own VFS,
// the first sync of a journal or log after it was opened does that too.
//
// The same seed and the same calls give the same bytes; with SQLite above, after seed_sqlite().
// Locks and shared memory work between all connections of the process. Thread-safe, though only one
// thread makes it deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sim/virtual_clock.h"

namespace tombolo::sim {

inline constexpr std::size_t kSectorBytes = 512;

// How an operation fails while the power is on.
enum class DiskFault {
  io_error,  // nothing happens; a sync may lose for good what it was to sync
  full,      // a write or a new file finds no space; what needs none works
};

// Chances in a million operations.
struct DiskFaultRates {
  std::uint64_t read_error = 0;
  std::uint64_t write_error = 0;  // also of truncations, deletions and new files
  std::uint64_t sync_error = 0;
  std::uint64_t full = 0;
};

struct DiskCounts {
  std::int64_t operations = 0;  // writes, truncations, syncs, new files, deletions
  std::int64_t syncs = 0;
  std::int64_t faults = 0;
  std::int64_t crashes = 0;
  std::int64_t restarts = 0;
  // What crashes made of the writes and truncations that were not synced.
  std::int64_t kept = 0;
  std::int64_t dropped = 0;
  std::int64_t torn = 0;
};

// Starts SQLite's own random numbers, of which the process has one sequence for all databases.
void seed_sqlite(std::uint64_t seed);

class Disk {
 public:
  struct State;

  // `name` is the VFS's; unique in the process. SQLite sleeps by advancing `time`, and reads
  // `clock`. All three must outlive the disk, and the disk all connections on it.
  Disk(std::string name, std::uint64_t seed, VirtualTime& time, const Clock& clock);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::string& vfs() const;

  // The power fails within the `nth` operation from now (1: the next one): that one may still take
  // effect in part, and everything after it fails until crash().
  void cut_power_at(std::int64_t nth);
  bool powered() const;

  // Cuts the power when it is still on, makes every file what the platters hold, and turns it on
  // again. Handles from before fail for ever. Close them: what they do changes nothing any more.
  void crash();

  // As crash(), but only the program died and not the machine: nothing that was written is lost.
  void restart();

  // What is seen of all files now, and a disk with nothing but that on it; otherwise as crash(). So
  // a machine is restored from a snapshot.
  using Snapshot = std::map<std::string, std::string>;
  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);

  // The `nth` operation from now fails, once.
  void fail_at(std::int64_t nth, DiskFault fault);
  void set_fault_rates(const DiskFaultRates& rates);

  // A file as it would be read now, and the names of all of them.
  std::optional<std::string> contents(const std::string& name) const;
  std::vector<std::string> files() const;

  DiskCounts counts() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::sim
