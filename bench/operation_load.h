// Operations uploaded over one stream connection, many batches on their way at once.
#pragma once

#include <cstdint>
#include <string>

#include "tombolo/result.h"

namespace tombolo::bench {

struct OperationLoad {
  std::uint16_t port = 0;
  int operations = 100'000;
  int batch_size = 100;
  int batches_in_flight = 16;
  bool ordered_ids = true;  // UUIDv7; otherwise random ones
};

struct OperationResult {
  double seconds = 0;
  int operations = 0;
  double per_second() const { return operations / seconds; }
};

// Inserts that many new records and waits until every batch is acknowledged, which means on disk.
Result<OperationResult> run(const OperationLoad& load);

}  // namespace tombolo::bench
