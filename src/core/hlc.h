// Hybrid logical clocks (Kora protocol section 3): wall time that never runs backwards along a
// chain of cause and effect, with a counter for what happens within one millisecond.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "tombolo/result.h"

namespace tombolo::core {

inline constexpr std::int64_t kWallTimeLimit = 1'000'000'000'000'000;  // exclusive, in ms
inline constexpr std::int64_t kMaxLogical = 99'999;
inline constexpr std::int64_t kMaxRemoteFutureMs = 300'000;

// A moment: wall time in ms since 1970, a counter within it, and the node whose clock it is.
struct Timestamp {
  std::int64_t wall_ms = 0;
  std::int64_t logical = 0;
  std::string node;

  friend bool operator==(const Timestamp&, const Timestamp&) = default;
  // Wall time, then counter, then node id by UTF-16 code units: a total order, the same everywhere.
  friend std::strong_ordering operator<=>(const Timestamp& left, const Timestamp& right);
};

// "001700000000000:00002:node". Fails with invalid_argument when a part is out of its range.
Result<std::string> format_timestamp(const Timestamp& timestamp);
Result<Timestamp> parse_timestamp(std::string_view text);

// The latest wall time that packed_stamp takes, in ms (in the year 4892).
inline constexpr std::int64_t kMaxPackedWallMs = INT64_MAX / (kMaxLogical + 1) - 1;

// The latest wall time that a database takes, of an operation or of its own device's clock: a year
// before the end, so that whatever is stamped after it can be packed too.
inline constexpr std::int64_t kMaxKeptWallMs = kMaxPackedWallMs - 365LL * 24 * 3'600'000;

// Wall time and counter in one integer that orders as they do, for indexes. The wall time must be
// at most kMaxPackedWallMs.
std::int64_t packed_stamp(const Timestamp& timestamp);
Timestamp unpack_stamp(std::int64_t packed);  // its inverse, without the node

// One node's clock. Its state belongs into the same transaction as the operation that it stamps, so
// that a restart with a clock set back never stamps a newer edit with an older time. It never
// refuses a local write. Not thread-safe.
class HybridLogicalClock {
 public:
  explicit HybridLogicalClock(std::string node) { last_.node = std::move(node); }

  // A stamp later than every stamp given or received before.
  Timestamp now(std::int64_t physical_ms);

  // Learns a remote stamp. Refuses (invalid_data) fields out of range, and stamps more than
  // kMaxRemoteFutureMs ahead of physical time once the clock has been used or when a reference
  // offset (server time minus ours) is known.
  Result<Timestamp> receive(const Timestamp& remote, std::int64_t physical_ms);

  // Moves forward to at least `timestamp`, without any check of drift: restores the persisted
  // state.
  void advance_to(const Timestamp& timestamp);

  void set_reference_offset_ms(std::int64_t offset_ms) {
    reference_offset_ms_ = offset_ms;
    has_reference_ = true;
  }
  const Timestamp& last() const { return last_; }

 private:
  void carry();
  Timestamp last_;
  std::int64_t reference_offset_ms_ = 0;
  bool has_reference_ = false;
  bool used_ = false;
};

}  // namespace tombolo::core
