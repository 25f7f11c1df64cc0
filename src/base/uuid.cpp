#include "base/uuid.h"

#include <array>
#include <span>

namespace tombolo {
namespace {

constexpr std::uint32_t kCounterLimit = 1U << 12;
constexpr std::size_t kUuidTextBytes = 36;
constexpr char kDigits[] = "0123456789abcdef";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

bool is_hyphen_position(std::size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
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
    if (index == 4 || index == 6 || index == 8 || index == 10) *next++ = '-';
    *next++ = kDigits[bytes[index] >> 4];
    *next++ = kDigits[bytes[index] & 15];
  }
  out.append(text.data(), text.size());
}

std::optional<UuidBytes> parse_canonical_uuid(std::string_view text) {
  if (text.size() != kUuidTextBytes) return std::nullopt;
  UuidBytes bytes{};
  std::size_t nibble = 0;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (is_hyphen_position(index)) {
      if (text[index] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[index]);
    if (value < 0) return std::nullopt;
    const int shift = nibble % 2 == 0 ? 4 : 0;
    bytes[nibble / 2] = static_cast<std::uint8_t>(bytes[nibble / 2] | (value << shift));
    ++nibble;
  }
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
