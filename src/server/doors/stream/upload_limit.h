// How much one session may have under way, so that one client cannot keep the writer to itself. A
// client beyond it is read more slowly; nothing is refused. Pure: the session pauses reading while
// is_reached() says so.
#pragma once

#include <cstdint>

namespace tombolo::server::stream {

struct UploadLimits {
  std::int64_t uncommitted_operations = 4'000;  // received and not yet on disk
  std::int64_t operations_per_second = 0;       // over time; 0: as many as can be written
  std::int64_t operations_burst = 10'000;       // at once, after a while of less
  // As uncommitted_operations: each batch takes one of the places in the writer's queue.
  std::int64_t uncommitted_batches = 256;
};

class UploadLimit {
 public:
  UploadLimit(UploadLimits limits, std::int64_t now_ms)
      : limits_(limits), allowance_(limits.operations_burst), refilled_at_ms_(now_ms) {}

  // A batch of so many operations.
  void submitted(std::int64_t operations, std::int64_t now_ms);
  void committed(std::int64_t operations);
  // Whether to stop reading, or, when it was reached before, to leave it stopped.
  bool is_reached(std::int64_t now_ms);

 private:
  void refill(std::int64_t now_ms);

  const UploadLimits limits_;
  std::int64_t uncommitted_ = 0;
  std::int64_t uncommitted_batches_ = 0;
  std::int64_t allowance_;  // of the rate; negative: owed
  std::int64_t refilled_at_ms_;
  bool reached_ = false;
};

}  // namespace tombolo::server::stream
