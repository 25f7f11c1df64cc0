#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <span>
#include <vector>

#include "base/byte_block.h"
#include "base/json.h"
#include "base/text.h"

namespace tombolo {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
// Up to 2^53 every integer is a double.
constexpr std::int64_t kExactIntegers = std::int64_t{1} << 53;
constexpr char kSurrogateLead = '\xED';

void append_unit_escape(std::string& out, unsigned unit) {
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHexDigits[(unit >> shift) & 15]);
}

void append_escaped(std::string& out, unsigned char character) {
  switch (character) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      append_unit_escape(out, character);
  }
}

constexpr bool may_need_escape(char character) {
  return character == '"' || character == '\\' || character == kSurrogateLead ||
         static_cast<unsigned char>(character) < 0x20;
}

constexpr std::array<bool, 256> kCandidates = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    table[byte] = may_need_escape(static_cast<char>(byte));
  }
  return table;
}();

// The index of the first character from `index` on that may need an escape.
std::size_t find_candidate(std::string_view text, std::size_t index) {
  if (text.size() < ByteBlock::kBytes) {
    while (index < text.size() && !kCandidates[static_cast<unsigned char>(text[index])]) ++index;
    return index;
  }
  while (index < text.size()) {
    // The last block ends with the text, and so begins with bytes that were looked at.
    const std::size_t start = std::min(index, text.size() - ByteBlock::kBytes);
    const ByteBlock block(text.data() + start);
    const std::uint32_t found =
        (block.equal('"') | block.equal('\\') | block.equal(kSurrogateLead) | block.control()) >>
        (index - start);
    if (found != 0) return index + static_cast<std::size_t>(std::countr_zero(found));
    index = start + ByteBlock::kBytes;
  }
  return text.size();
}

// A string without escapes, in one step.
void append_plain(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  const std::size_t end = start + text.size() + 2;
  // libstdc++ 12 passes the new capacity where the size belongs.
  out.resize_and_overwrite(end, [&](char* data, std::size_t) {
    data[start] = '"';
    text.copy(data + start + 1, text.size());
    data[end - 1] = '"';
    return end;
  });
}

void append_integer(std::string& out, std::int64_t value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

// Significant digits and decimal exponent of a positive finite double: 0.d1d2d3... * 10^exponent.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal shortest_decimal(double number) {
  // Scientific to_chars writes the shortest digits that read back as the same double: d.ddde+xx
  char buffer[32];
  const char* end =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  const char* mark = std::find(static_cast<const char*>(buffer), end, 'e');
  Decimal decimal;
  for (const char* at = buffer; at != mark; ++at) {
    if (*at != '.') decimal.digits.push_back(*at);
  }
  const char* exponent = mark + 1;
  if (*exponent == '+') ++exponent;
  std::from_chars(exponent, end, decimal.exponent);
  ++decimal.exponent;
  return decimal;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  std::size_t index = find_candidate(text, 0);
  if (index == text.size()) return append_plain(out, text);
  out.push_back('"');
  std::size_t run = 0;
  for (; index < text.size(); index = find_candidate(text, index + 1)) {
    const bool surrogate = is_surrogate_form(text, index);
    if (text[index] == kSurrogateLead && !surrogate) continue;
    out.append(text, run, index - run);
    if (surrogate) {
      append_unit_escape(out, 0xD000U |
                                  ((static_cast<unsigned char>(text[index + 1]) & 0x3FU) << 6) |
                                  (static_cast<unsigned char>(text[index + 2]) & 0x3FU));
      index += 2;
    } else {
      append_escaped(out, static_cast<unsigned char>(text[index]));
    }
    run = index + 1;
  }
  out.append(text, run);
  out.push_back('"');
}

// The steps of ECMAScript 2024, Number::toString with radix 10.
void append_javascript_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  if (number == 0) {
    out.push_back('0');
    return;
  }
  if (number < 0) out.push_back('-');
  const Decimal decimal = shortest_decimal(std::fabs(number));
  const int count = static_cast<int>(decimal.digits.size());
  const int point = decimal.exponent;
  if (count <= point && point <= 21) {
    out.append(decimal.digits).append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    const auto whole = static_cast<std::size_t>(point);
    out.append(decimal.digits, 0, whole).append(".").append(decimal.digits, whole);
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(decimal.digits);
  } else {
    out.push_back(decimal.digits[0]);
    if (count > 1) out.append(".").append(decimal.digits, 1);
    out.append(point > 0 ? "e+" : "e-");
    append_integer(out, std::abs(point - 1));
  }
}

void append_json(std::string& out, const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      out.append("null");
      return;
    case Value::Type::boolean:
      out.append(value.as_bool() ? "true" : "false");
      return;
    case Value::Type::integer:
      append_integer(out, value.as_integer());
      return;
    case Value::Type::number:
      append_javascript_number(out, value.as_number());
      return;
    case Value::Type::string:
      append_json_string(out, value.as_string());
      return;
    case Value::Type::object:
      append_json(out, *value.if_object());
      return;
    case Value::Type::array:
      break;
  }
  out.push_back('[');
  const char* separator = "";
  for (const Value& element : *value.if_array()) {
    out.append(separator);
    append_json(out, element);
    separator = ",";
  }
  out.push_back(']');
}

void append_json(std::string& out, const Object& object) {
  out.push_back('{');
  const char* separator = "";
  for (const Member& member : object) {
    out.append(separator);
    append_json_string(out, member.key);
    out.push_back(':');
    append_json(out, member.value);
    separator = ",";
  }
  out.push_back('}');
}

void append_canonical_json(std::string& out, const Object& object) {
  constexpr std::size_t kFew = 16;
  std::array<const Member*, kFew> few;
  std::vector<const Member*> many;
  if (object.size() > kFew) many.resize(object.size());
  const std::span<const Member*> members(many.empty() ? few.data() : many.data(), object.size());
  std::ranges::transform(object, members.begin(), [](const Member& member) { return &member; });
  std::sort(members.begin(), members.end(), [](const Member* left, const Member* right) {
    return compare_utf16(left->key, right->key) < 0;
  });
  out.push_back('{');
  const char* separator = "";
  for (const Member* member : members) {
    out.append(separator);
    append_json_string(out, member->key);
    out.push_back(':');
    append_canonical_json(out, member->value);
    separator = ",";
  }
  out.push_back('}');
}

void append_canonical_json(std::string& out, const Value& value) {
  if (const Object* object = value.if_object()) {
    append_canonical_json(out, *object);
  } else if (const Array* array = value.if_array()) {
    out.push_back('[');
    const char* separator = "";
    for (const Value& element : *array) {
      out.append(separator);
      append_canonical_json(out, element);
      separator = ",";
    }
    out.push_back(']');
  } else if (const std::int64_t* integer = value.if_integer();
             integer != nullptr && (*integer > kExactIntegers || *integer < -kExactIntegers)) {
    // Every number is a double there: large integers are rounded before they are printed.
    append_javascript_number(out, static_cast<double>(*integer));
  } else {
    append_json(out, value);
  }
}

std::string canonical_json(const Value& value) {
  std::string out;
  append_canonical_json(out, value);
  return out;
}

}  // namespace tombolo
