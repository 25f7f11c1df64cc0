#include "client/environment.h"

#include "os/clock.h"
#include "os/entropy.h"

namespace tombolo::client {

Environment Environment::system() {
  static const os::SystemClock clock;
  static os::SystemRandom random;
  return {.clock = &clock, .random = &random};
}

}  // namespace tombolo::client
