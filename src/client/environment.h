// What a Database takes from outside: time, randomness and the disk, so that tests own them.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace tombolo::client {

struct Environment {
  const Clock* clock = nullptr;
  Random* random = nullptr;  // thread-safe
  std::string vfs = {};      // name of a registered SQLite VFS; empty: the system's own

  static Environment system();  // the machine's own
};

}  // namespace tombolo::client
