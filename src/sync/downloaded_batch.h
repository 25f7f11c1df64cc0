// A batch of operations that a server sent, on its way into the local database.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/operation.h"
#include "sync/log_place.h"

namespace tombolo::sync {

struct DownloadedOperation {
  core::Operation operation;
  std::string_view body;  // its JSON as received; valid during the call
};

// One of the server's operations that cannot be read or applied here.
struct UnreadableOperation {
  std::string id;          // empty when even that cannot be read, and so is
  std::string collection;  // the collection
  std::string_view body;   // as received; valid during the call
  std::string reason;
};

// Operations to apply in order, those that cannot be, to be kept, and how far the log of the server
// is known after them: all in one transaction, or nothing.
class DownloadedBatch {
 public:
  // `bodies` must outlive it.
  explicit DownloadedBatch(std::span<const std::string_view> bodies) : bodies_(bodies) {}

  // The next operation, which lives until the next call; null after the last one. It is read only
  // now: a batch that is decoded as a whole leaves the cache before it is used. What cannot be read
  // is left out and put aside: to wait for it would hold up everything behind it.
  const DownloadedOperation* next();

  // The operation that next() gave last cannot be applied, and what was done since the first one is
  // undone: the batch begins anew, without it.
  void put_aside(std::string reason);

  LogPlace watermark;
  // What next() gave and left out since the batch began.
  std::int64_t operation_count = 0;
  std::int64_t last_sequence_number = 0;
  std::vector<UnreadableOperation> unreadable;

 private:
  std::span<const std::string_view> bodies_;
  std::size_t next_ = 0;
  std::map<std::size_t, std::string> put_aside_;  // index -> why
  DownloadedOperation current_;
};

}  // namespace tombolo::sync
