// The locks of a file between connections of one process, and the memory that they share, as
// SQLite's VFS interface defines both.
//
// Not thread-safe: sim/disk.h locks around them.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <sqlite3.h>
#include <vector>

namespace tombolo::sim {

// SQLITE_LOCK_*: any number of connections may have SHARED, and beside them one RESERVED or
// PENDING; EXCLUSIVE is alone. While one has PENDING, nobody new gets SHARED.
struct LockTable {
  int lock(const void* owner, int level) {
    int& own = levels[owner];
    if (own >= level) return SQLITE_OK;
    const int highest = highest_of_others(owner);
    if (level == SQLITE_LOCK_SHARED && highest >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && highest >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && highest >= SQLITE_LOCK_SHARED) {
      own = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    own = level;
    return SQLITE_OK;
  }

  void unlock(const void* owner, int level) {
    if (level == SQLITE_LOCK_NONE) {
      levels.erase(owner);
    } else if (levels[owner] > level) {
      levels[owner] = level;
    }
  }

  bool reserved() const {
    for (const auto& [owner, level] : levels) {
      if (level >= SQLITE_LOCK_RESERVED) return true;
    }
    return false;
  }

  int highest_of_others(const void* owner) const {
    int highest = SQLITE_LOCK_NONE;
    for (const auto& [other, level] : levels) {
      if (other != owner && level > highest) highest = level;
    }
    return highest;
  }

  std::map<const void*, int> levels;
};

// Lives as long as somebody maps it.
struct SharedMemory {
  int lock(const void* owner, unsigned mask, bool exclusive) {
    for (const auto& [other, held] : holds) {
      if (other == owner) continue;
      if ((held.exclusive & mask) != 0) return SQLITE_BUSY;
      if (exclusive && (held.shared & mask) != 0) return SQLITE_BUSY;
    }
    (exclusive ? holds[owner].exclusive : holds[owner].shared) |= mask;
    return SQLITE_OK;
  }
  void unlock(const void* owner, unsigned mask) {
    holds[owner].exclusive &= ~mask;
    holds[owner].shared &= ~mask;
  }

  struct Hold {
    unsigned shared = 0;  // bits of the locks
    unsigned exclusive = 0;
  };
  std::vector<std::unique_ptr<std::byte[]>> regions;
  std::map<const void*, Hold> holds;
};

}  // namespace tombolo::sim
