// Whether the other end of a connection is still there. It is asked only while it owes us something
// and says nothing: a connection can be cut, or its server gone, without anybody being told.
//
// An upload over a slow line is no silence: what leaves this machine is acknowledged by the other
// one's, and that counts as a sign of life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tombolo::sync {

class Liveness {
 public:
  // Silence after which the other end is asked, and further silence after which it is given up.
  Liveness(std::int64_t ask_after_ms, std::int64_t give_up_after_ms)
      : ask_after_ms_(ask_after_ms), give_up_after_ms_(give_up_after_ms) {}

  // Something came from the other end.
  void heard(std::int64_t now_ms);

  enum class Verdict {
    fine,
    ask,   // now; whatever comes answers it
    gone,  // it has not answered
  };
  // To be called about twice a second. `waits`: for an answer of the other end.
  // `unacknowledged_bytes`: of what was sent, how much has not arrived there as far as is known.
  Verdict look(std::int64_t now_ms, bool waits, std::size_t unacknowledged_bytes);

  // When something that was sent was last seen to arrive; nothing: never.
  std::optional<std::int64_t> arrived_at_ms() const { return arrived_at_ms_; }

 private:
  const std::int64_t ask_after_ms_;
  const std::int64_t give_up_after_ms_;
  std::int64_t sign_at_ms_ = 0;              // of life; or when waiting began
  std::optional<std::int64_t> asked_at_ms_;  // unless there was a sign since
  std::optional<std::int64_t> looked_at_ms_;
  std::optional<std::int64_t> arrived_at_ms_;
  std::size_t unacknowledged_bytes_ = 0;
};

}  // namespace tombolo::sync
