#include "sample.h"

namespace tombolo::bench {

Object sample_record(std::int64_t index) {
  return Object{{"title", "Sample task number " + std::to_string(index)},
                {"done", index % 3 == 0},
                {"priority", index % 5},
                {"notes",
                 "Some text that makes the record as long as an ordinary one is: about two hundred "
                 "bytes in all."},
                {"owner", owner_name(index / kRecordsPerOwner)}};
}

std::string owner_name(std::int64_t owner) {
  return "user-" + std::to_string(owner);
}

}  // namespace tombolo::bench
