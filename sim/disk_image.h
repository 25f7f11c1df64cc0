// The files of a simulated disk, without SQLite: what is seen now, and what a crash leaves.
//
// Not thread-safe: sim/disk.h locks around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "sim/disk.h"

namespace tombolo::sim {

struct LockTable;     // of a file
struct SharedMemory;  // of a file

class DiskFile {
 public:
  const std::string& live() const { return live_; }
  void write(std::string_view bytes, std::size_t at);
  void truncate(std::size_t size);
  void sync();
  // A sync that failed: of what it was to write, nobody will try to write some ever again.
  void fail_sync(Random& random);

  // How a crash treats changes that were not synced.
  enum class Fate { keep_all, drop_all, each_its_own };
  void crash(Fate fate, Random& random, DiskCounts& counts);

  void release();  // forgets the locks and the memory of whoever had it open

  // Of the connections that have it open.
  std::shared_ptr<LockTable> locks;
  std::weak_ptr<SharedMemory> memory;

 private:
  struct Change {
    bool truncates = false;
    bool forgotten = false;  // by a sync that failed
    std::size_t at = 0;      // or the new size
    std::string bytes = {};
  };
  static void put(std::string& image, std::string_view bytes, std::size_t at);
  void apply(const Change& change);
  void tear(const Change& change, Random& random);

  std::string live_;
  std::string durable_;
  std::vector<Change> unsynced_;  // in their order
};

class DiskImage {
 public:
  using Files = std::map<std::string, std::shared_ptr<DiskFile>>;

  std::shared_ptr<DiskFile> find(const std::string& name) const;
  std::shared_ptr<DiskFile> create(const std::string& name);
  bool remove(const std::string& name);  // false: there is none
  // Syncs the directory that holds `name`.
  void sync_directory(const std::string& name);
  void crash(Random& random, DiskCounts& counts);
  const Files& files() const { return live_; }

 private:
  Files live_;
  Files durable_;
};

}  // namespace tombolo::sim
