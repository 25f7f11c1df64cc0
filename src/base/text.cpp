#include "base/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/byte_block.h"

namespace tombolo {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using ReverseTable = std::array<int, 256>;

constexpr ReverseTable reverse_of(std::string_view alphabet) {
  ReverseTable table{};
  for (auto& entry : table) entry = -1;
  for (std::size_t index = 0; index < alphabet.size(); ++index) {
    table[static_cast<unsigned char>(alphabet[index])] = static_cast<int>(index);
  }
  return table;
}

constexpr ReverseTable kStandardReverse = reverse_of(kStandardAlphabet);
constexpr ReverseTable kUrlReverse = reverse_of(kUrlAlphabet);

constexpr ReverseTable hex_reverse() {
  ReverseTable table = reverse_of(kHexDigits);
  for (std::size_t digit = 'A'; digit <= 'F'; ++digit) table[digit] = table[digit + ('a' - 'A')];
  return table;
}

constexpr ReverseTable kHexReverse = hex_reverse();

int hex_value(char digit) {
  return kHexReverse[static_cast<unsigned char>(digit)];
}

std::uint32_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

bool is_continuation(std::string_view text, std::size_t index) {
  return index < text.size() && (byte_at(text, index) & 0xC0) == 0x80;
}

// The length of the well-formed sequence at `index`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence_length(std::string_view text, std::size_t index) {
  const std::uint32_t lead = byte_at(text, index);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !is_continuation(text, index + 1)) return 0;
  const std::uint32_t second = byte_at(text, index + 1);
  if (lead < 0xE0) return 2;
  if (!is_continuation(text, index + 2)) return 0;
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead < 0xF0) return 3;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return is_continuation(text, index + 3) ? 4 : 0;
}

// The index of the first character from `index` on that is not ASCII.
std::size_t skip_ascii(std::string_view text, std::size_t index) {
  for (; text.size() - index >= ByteBlock::kBytes; index += ByteBlock::kBytes) {
    const std::uint32_t others = ByteBlock(text.data() + index).not_ascii();
    if (others != 0) return index + static_cast<std::size_t>(std::countr_zero(others));
  }
  while (index < text.size() && byte_at(text, index) < 0x80) ++index;
  return index;
}

// Reads a text as UTF-16 code units. Lone surrogates stand as three bytes (see json.h) and give
// their unit; any other malformed byte gives a unit of its own value, so that the order is total.
class Utf16Units {
 public:
  explicit Utf16Units(std::string_view text) : text_(text) {}

  // The next unit, or -1 at the end.
  std::int32_t next() {
    if (low_ >= 0) return std::exchange(low_, -1);
    if (index_ == text_.size()) return -1;
    const std::uint32_t lead = byte_at(text_, index_);
    const std::size_t length =
        is_surrogate_form(text_, index_) ? 3 : utf8_sequence_length(text_, index_);
    if (length <= 1) {
      ++index_;
      return static_cast<std::int32_t>(lead);
    }
    std::uint32_t code_point = lead & (0xFFU >> (length + 1));
    for (std::size_t step = 1; step < length; ++step) {
      code_point = (code_point << 6) | (byte_at(text_, index_ + step) & 0x3F);
    }
    index_ += length;
    if (code_point < 0x10000) return static_cast<std::int32_t>(code_point);
    low_ = static_cast<std::int32_t>(0xDC00 + (code_point & 0x3FF));
    return static_cast<std::int32_t>(0xD800 + ((code_point - 0x10000) >> 10));
  }

 private:
  std::string_view text_;
  std::size_t index_ = 0;
  std::int32_t low_ = -1;  // the second unit of a pair whose first was given
};

}  // namespace

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text(bytes.size() * 2, '0');
  char* digit = text.data();
  for (const std::uint8_t byte : bytes) {
    *digit++ = kHexDigits[byte >> 4];
    *digit++ = kHexDigits[byte & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes(text.size() / 2, '\0');
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    const int high = hex_value(text[2 * index]);
    const int low = hex_value(text[2 * index + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[index] = static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string to_base64(std::string_view bytes, Base64 alphabet) {
  const std::string_view digits = alphabet == Base64::standard ? kStandardAlphabet : kUrlAlphabet;
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t index = 0; index < bytes.size(); index += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - index);
    std::uint32_t group = byte_at(bytes, index) << 16;
    if (count > 1) group |= byte_at(bytes, index + 1) << 8;
    if (count > 2) group |= byte_at(bytes, index + 2);
    for (std::size_t digit = 0; digit <= count; ++digit) {
      text.push_back(digits[(group >> (18 - 6 * digit)) & 63]);
    }
    if (alphabet == Base64::standard) text.append(3 - count, '=');
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text, Base64 alphabet) {
  if (alphabet == Base64::standard) {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  const ReverseTable& reverse = alphabet == Base64::standard ? kStandardReverse : kUrlReverse;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  int bits = 0;
  for (const char digit : text) {
    const int value = reverse[static_cast<unsigned char>(digit)];
    if (value < 0) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>((group >> bits) & 0xFF));
    }
  }
  // Bits left over must be zero, so that every byte sequence has exactly one text.
  if ((group & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

bool is_utf8(std::string_view text) {
  for (std::size_t index = skip_ascii(text, 0); index < text.size();
       index = skip_ascii(text, index)) {
    // What is not ASCII mostly stands together.
    do {
      const std::size_t length = utf8_sequence_length(text, index);
      if (length == 0) return false;
      index += length;
    } while (index < text.size() && byte_at(text, index) >= 0x80);
  }
  return true;
}

bool is_surrogate_form(std::string_view text, std::size_t index) {
  return byte_at(text, index) == 0xED && is_continuation(text, index + 1) &&
         byte_at(text, index + 1) >= 0xA0 && is_continuation(text, index + 2);
}

std::strong_ordering compare_utf16(std::string_view left, std::string_view right) {
  const std::size_t shorter = std::min(left.size(), right.size());
  std::size_t start = 0;
  while (start < shorter && left[start] == right[start]) ++start;
  const int left_byte = start < left.size() ? static_cast<int>(byte_at(left, start)) : -1;
  const int right_byte = start < right.size() ? static_cast<int>(byte_at(right, start)) : -1;
  if (left_byte < 0x80 && right_byte < 0x80) return left_byte <=> right_byte;
  // No sequence reaches across an ASCII character: decode from the last one that both share.
  while (start > 0 && byte_at(left, start - 1) >= 0x80) --start;
  Utf16Units left_units(left.substr(start));
  Utf16Units right_units(right.substr(start));
  for (;;) {
    const std::int32_t a = left_units.next();
    const std::int32_t b = right_units.next();
    if (a != b) return a <=> b;
    if (a < 0) return left <=> right;
  }
}

}  // namespace tombolo
