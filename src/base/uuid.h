// UUIDs (RFC 9562): version 7 for everything we make (time-ordered keys keep index pages together,
// see docs/architecture.md), and the canonical text form as 16 bytes for storage.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace tombolo {

using UuidBytes = std::array<std::uint8_t, 16>;

// Lower-case text with hyphens, 36 characters.
std::string uuid_text(const UuidBytes& bytes);
void append_uuid_text(std::string& out, const UuidBytes& bytes);

// The bytes of a UUID in exactly the canonical form that uuid_text writes; nothing for any other
// text, so that text -> bytes -> text is the identity.
std::optional<UuidBytes> parse_canonical_uuid(std::string_view text);

// Makes version 7 UUIDs that increase strictly within one generator, also when the clock stands
// still or goes back (RFC 9562 section 6.2, method 1 with a 12-bit counter that carries into the
// time). Not thread-safe.
class UuidGenerator {
 public:
  UuidGenerator(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  UuidBytes next_bytes();
  std::string next() { return uuid_text(next_bytes()); }

 private:
  const Clock& clock_;
  Random& random_;
  std::int64_t last_ms_ = 0;
  std::uint32_t counter_ = 0;
};

}  // namespace tombolo
