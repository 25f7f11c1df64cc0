// The operations of one node that benchmarks upload: inserts of sample records, with valid ids,
// stamps and sequence numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"

#include "tombolo/result.h"

namespace tombolo::bench {

class StreamClient;

class OperationSource {
 public:
  explicit OperationSource(std::string node);

  const std::string& node() const { return node_; }
  // The ids of the records made so far.
  const std::vector<std::string>& records() const { return records_; }

  // The text of a batch with so many inserts of new records.
  std::string next_batch(int operations);

 private:
  class FixedClock final : public Clock {
   public:
    FixedClock();
    std::int64_t wall_ms() const override { return now_ms_; }
    std::int64_t monotonic_ms() const override { return now_ms_; }

   private:
    std::int64_t now_ms_;
  };

  std::string next_operation();

  const std::string node_;
  const FixedClock clock_;
  SeededRandom random_;
  UuidGenerator ids_;
  std::vector<std::string> records_;
};

// Batches of operations made beforehand, as frames.
struct Upload {
  static constexpr int kBatchOperations = 100;
  static constexpr int kBatchesInFlight = 16;
  std::vector<std::string> frames;

  Upload(OperationSource& source, std::int64_t operations);
};

// Sends them over a stream that has begun, so many batches in flight at once, and waits until each
// is acknowledged, which means on the server's disk.
Result<void> upload(StreamClient& stream, const Upload& upload);

}  // namespace tombolo::bench
