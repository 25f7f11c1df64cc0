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

// Compares two UTF-8 texts as JavaScript compares strings: by UTF-16 code units. It differs from
// byte order only where one side has a character beyond U+FFFF and the other one from U+E000 up.
std::strong_ordering compare_utf16(std::string_view left, std::string_view right);

}  // namespace tombolo
