#include "base/uuid.h"

#include <array>
#include <span>

namespace tombolo {
namespace {

constexpr std::uint32_t kCounterLimit = 1U << 12;
constexpr std::size_t kUuidTextBytes = 36;
constexpr char kDigits[] = "0123456789abcdef";

// The value of a lower-case hexadecimal digit, or 0x80.
constexpr std::array<std::uint8_t, 256> kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(0x80);
  for (std::uint8_t value = 0; value < 16; ++value) {
    values[static_cast<unsigned char>(kDigits[value])] = value;
  }
  return values;
}();

// Whether a hyphen stands before this byte's digits.
constexpr bool follows_hyphen(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

std::string uuid_text(const UuidBytes& bytes) {
  std::string text;
  append_uuid_text(text, bytes);
  return text;
}

void append_uuid_text(std::string& out, const UuidBytes& bytes) {
  std::array<char, kUuidTextBytes> text;
  char* next = text.data();
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (follows_hyphen(index)) *next++ = '-';
    *next++ = kDigits[bytes[index] >> 4];
    *next++ = kDigits[bytes[index] & 15];
  }
  out.append(text.data(), text.size());
}

std::optional<UuidBytes> parse_canonical_uuid(std::string_view text) {
  if (text.size() != kUuidTextBytes) return std::nullopt;
  UuidBytes bytes{};
  const char* next = text.data();
  unsigned invalid = 0;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (follows_hyphen(index)) invalid |= *next++ == '-' ? 0U : 0x80U;
    const std::uint8_t high = kDigitValues[static_cast<unsigned char>(*next++)];
    const std::uint8_t low = kDigitValues[static_cast<unsigned char>(*next++)];
    invalid |= high | low;
    bytes[index] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if ((invalid & 0x80U) != 0) return std::nullopt;
  return bytes;
}

UuidBytes UuidGenerator::next_bytes() {
  UuidBytes bytes{};
  random_.fill(std::span(bytes).subspan(8));
  const std::int64_t now_ms = clock_.wall_ms();
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    // A random start leaves room to count and keeps generators on one machine apart.
    counter_ = static_cast<std::uint32_t>(random_.below(kCounterLimit / 2));
  } else if (++counter_ == kCounterLimit) {
    ++last_ms_;
    counter_ = 0;
  }
  for (int index = 0; index < 6; ++index) {
    bytes[static_cast<std::size_t>(index)] =
        static_cast<std::uint8_t>(last_ms_ >> (40 - 8 * index));
  }
  bytes[6] = static_cast<std::uint8_t>(0x70 | (counter_ >> 8));
  bytes[7] = static_cast<std::uint8_t>(counter_);
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3F));
  return bytes;
}

}  // namespace tombolo
