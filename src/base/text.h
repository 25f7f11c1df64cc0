// Text encodings: hexadecimal, base64 (RFC 4648), UTF-8 checks and the UTF-16 order of JavaScript.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tombolo {

std::string to_hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> from_hex(std::string_view text);  // upper and lower case digits

enum class Base64 { standard, url };  // url: "-_" and no padding
std::string to_base64(std::string_view bytes, Base64 alphabet = Base64::standard);
std::optional<std::string> from_base64(std::string_view text, Base64 alphabet = Base64::standard);

// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text);

// Whether the three bytes at `index` are the form in which JSON texts keep a lone surrogate
// (ED A0..BF 80..BF, which is not UTF-8; see base/json.h).
bool is_surrogate_form(std::string_view text, std::size_t index);

// Compares two texts as JavaScript compares strings: by UTF-16 code units. For UTF-8 it differs
// from byte order only where one side has a character beyond U+FFFF and the other one from U+E000
// up. Lone surrogates take part with their unit; texts of equal units but different bytes (two
// lone surrogates against the pair that they would form) fall back to byte order.
std::strong_ordering compare_utf16(std::string_view left, std::string_view right);

}  // namespace tombolo
