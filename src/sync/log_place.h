// A place in a server's log.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::sync {

struct LogPlace {
  std::int64_t sequence = 0;  // the delivery sequence; 0: before the first operation
  std::string timeline;       // that the log up to there is on; empty: not known
};

}  // namespace tombolo::sync
