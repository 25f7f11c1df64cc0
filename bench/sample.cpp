#include "sample.h"

#include <string>

namespace tombolo::bench {

Object sample_record(int index) {
  return Object{{"title", "Sample task number " + std::to_string(index)},
                {"done", index % 3 == 0},
                {"priority", index % 5},
                {"notes",
                 "Some text that makes the record as long as an ordinary one is: about two hundred "
                 "bytes in all."},
                {"owner", "user-" + std::to_string(index % 100)}};
}

}  // namespace tombolo::bench
