#include "core/hlc.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace tombolo::core {
namespace {

constexpr std::size_t kWallDigits = 15;
constexpr std::size_t kLogicalDigits = 5;

bool in_range(const Timestamp& timestamp) {
  return timestamp.wall_ms >= 0 && timestamp.wall_ms < kWallTimeLimit && timestamp.logical >= 0 &&
         timestamp.logical <= kMaxLogical;
}

void write_padded(char* end, std::size_t digits, std::int64_t number) {
  for (; digits > 0; --digits, number /= 10) *--end = static_cast<char>('0' + number % 10);
}

// The digits before the next colon, which are taken off `text`; -1 when they are not a number.
std::int64_t take_number(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || text.front() == '-') return -1;
  std::int64_t number = -1;
  const char* end = text.data() + colon;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return -1;
  text.remove_prefix(colon + 1);
  return number;
}

}  // namespace

std::strong_ordering operator<=>(const Timestamp& left, const Timestamp& right) {
  if (left.wall_ms != right.wall_ms) return left.wall_ms <=> right.wall_ms;
  if (left.logical != right.logical) return left.logical <=> right.logical;
  return compare_utf16(left.node, right.node);
}

Result<std::string> format_timestamp(const Timestamp& timestamp) {
  if (!in_range(timestamp)) {
    return fail(ErrorCode::invalid_argument,
                "timestamp out of range: wall time " + std::to_string(timestamp.wall_ms) +
                    " must be in 0..10^15-1 ms and counter " + std::to_string(timestamp.logical) +
                    " in 0.." + std::to_string(kMaxLogical));
  }
  constexpr std::size_t kHead = kWallDigits + 1 + kLogicalDigits + 1;
  std::string text;
  text.reserve(kHead + timestamp.node.size());
  text.resize(kHead, ':');
  write_padded(text.data() + kWallDigits, kWallDigits, timestamp.wall_ms);
  write_padded(text.data() + kHead - 1, kLogicalDigits, timestamp.logical);
  text += timestamp.node;
  return text;
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  std::string_view rest = text;
  Timestamp timestamp;
  timestamp.wall_ms = take_number(rest);
  timestamp.logical = timestamp.wall_ms < 0 ? -1 : take_number(rest);
  if (!in_range(timestamp)) {
    return fail(ErrorCode::invalid_argument, "not a timestamp: \"" +
                                                 std::string(text.substr(0, 80)) +
                                                 "\"; expected <ms>:<counter>:<node>");
  }
  timestamp.node = rest;
  return timestamp;
}

std::int64_t packed_stamp(const Timestamp& timestamp) {
  return timestamp.wall_ms * (kMaxLogical + 1) + timestamp.logical;
}

Timestamp unpack_stamp(std::int64_t packed) {
  return {packed / (kMaxLogical + 1), packed % (kMaxLogical + 1), {}};
}

Timestamp HybridLogicalClock::now(std::int64_t physical_ms) {
  used_ = true;
  physical_ms = std::min(physical_ms, kWallTimeLimit - 1);
  if (physical_ms > last_.wall_ms) {
    last_.wall_ms = physical_ms;
    last_.logical = 0;
  } else {
    ++last_.logical;
    carry();
  }
  return last_;
}

Result<Timestamp> HybridLogicalClock::receive(const Timestamp& remote, std::int64_t physical_ms) {
  if (!in_range(remote)) {
    return fail(ErrorCode::invalid_data,
                "a stamp of node " + remote.node.substr(0, 80) + " is out of range: wall time " +
                    std::to_string(remote.wall_ms) + ", counter " + std::to_string(remote.logical));
  }
  physical_ms = std::clamp<std::int64_t>(physical_ms, 0, kWallTimeLimit - 1);
  const std::int64_t reference_ms = physical_ms + (has_reference_ ? reference_offset_ms_ : 0);
  if ((used_ || has_reference_) && remote.wall_ms > reference_ms + kMaxRemoteFutureMs) {
    return fail(ErrorCode::invalid_data, "a stamp of node " + remote.node.substr(0, 80) + " is " +
                                             std::to_string(remote.wall_ms - reference_ms) +
                                             " ms ahead of our time, more than the allowed " +
                                             std::to_string(kMaxRemoteFutureMs) +
                                             " ms: check the clocks of both devices");
  }
  used_ = true;
  if (physical_ms > last_.wall_ms && physical_ms > remote.wall_ms) {
    last_.wall_ms = physical_ms;
    last_.logical = 0;
  } else if (remote.wall_ms > last_.wall_ms) {
    last_.wall_ms = remote.wall_ms;
    last_.logical = remote.logical + 1;
  } else if (remote.wall_ms == last_.wall_ms) {
    last_.logical = std::max(last_.logical, remote.logical) + 1;
  } else {
    ++last_.logical;
  }
  carry();
  return last_;
}

void HybridLogicalClock::advance_to(const Timestamp& timestamp) {
  constexpr std::int64_t kPerMs = kMaxLogical + 1;
  const std::int64_t wall_ms = std::min(
      std::min(timestamp.wall_ms, kWallTimeLimit) + timestamp.logical / kPerMs, kWallTimeLimit - 1);
  const std::int64_t logical = timestamp.logical % kPerMs;
  if (wall_ms < last_.wall_ms || (wall_ms == last_.wall_ms && logical <= last_.logical)) return;
  last_.wall_ms = wall_ms;
  last_.logical = logical;
  used_ = true;
}

// A full counter flows over into the wall time. At the very end of time (the year 33658) the clock
// stands still rather than leave its format.
void HybridLogicalClock::carry() {
  if (last_.logical <= kMaxLogical) return;
  if (last_.wall_ms + 1 >= kWallTimeLimit) {
    last_.logical = kMaxLogical;
    return;
  }
  ++last_.wall_ms;
  last_.logical = 0;
}

}  // namespace tombolo::core
