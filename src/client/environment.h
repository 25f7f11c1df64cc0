// What a Database takes from outside: time and randomness, so that tests own them.
#pragma once

#include "base/clock.h"
#include "base/random.h"

namespace tombolo::client {

struct Environment {
  const Clock* clock = nullptr;
  Random* random = nullptr;  // thread-safe

  static Environment system();  // the machine's own
};

}  // namespace tombolo::client
