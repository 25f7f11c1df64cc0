// Canonical JSON, against a second implementation that shares nothing with the first: another
// library reads, keys are sorted as UTF-16, and numbers are found by trying ever more digits.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "target.h"

namespace tombolo {
namespace {

std::u16string utf16_of(std::string_view text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    i += length;
    if (point < 0x10000) {
      units += static_cast<char16_t>(point);
    } else {
      units += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10));
      units += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  }
  return units;
}

// ECMAScript Number::toString: the fewest digits that give the number back, laid out by exponent.
std::string javascript_number(double number) {
  if (!std::isfinite(number)) return "null";
  if (number == 0) return "0";
  char text[64];
  int digits = 1;
  for (; digits < 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*e", digits - 1, number);
    if (std::strtod(text, nullptr) == number) break;
  }
  std::snprintf(text, sizeof text, "%.*e", digits - 1, std::fabs(number));
  std::string all;
  for (const char* at = text; *at != 'e'; ++at) {
    if (*at != '.') all += *at;
  }
  while (all.size() > 1 && all.back() == '0') all.pop_back();
  const int count = static_cast<int>(all.size());
  const int point =
      std::atoi(std::string(text).substr(std::string(text).find('e') + 1).c_str()) + 1;
  std::string out = number < 0 ? "-" : "";
  if (count <= point && point <= 21) {
    out += all + std::string(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += all.substr(0, static_cast<std::size_t>(point)) + "." +
           all.substr(static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-point), '0') + all;
  } else {
    out += all.substr(0, 1) + (count > 1 ? "." + all.substr(1) : "") + "e" +
           (point - 1 < 0 ? "-" : "+") + std::to_string(std::abs(point - 1));
  }
  return out;
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const std::string_view shorts = "\b\t\n\f\r\"\\";
    if (const std::size_t at = shorts.find(character); at != std::string_view::npos) {
      out += '\\';
      out += "btnfr\"\\"[at];
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += character;
    }
  }
  out += '"';
}

void append_canonical(std::string& out, const nlohmann::json& value) {
  if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const nlohmann::json& element : value) {
      if (!first) out += ',';
      first = false;
      append_canonical(out, element);
    }
    out += ']';
  } else if (value.is_object()) {
    std::map<std::u16string, nlohmann::json::const_iterator> members;
    for (auto member = value.begin(); member != value.end(); ++member) {
      members.emplace(utf16_of(member.key()), member);
    }
    out += '{';
    bool first = true;
    for (const auto& [key, member] : members) {
      if (!first) out += ',';
      first = false;
      append_string(out, member.key());
      out += ':';
      append_canonical(out, member.value());
    }
    out += '}';
  } else if (value.is_string()) {
    append_string(out, value.get_ref<const std::string&>());
  } else if (value.is_number()) {
    out += javascript_number(value.get<double>());
  } else if (value.is_boolean()) {
    out += value.get<bool>() ? "true" : "false";
  } else {
    out += "null";
  }
}

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  const std::string_view text = fuzz::text_of(data, size);
  const Result<Value> ours = parse_json(text);
  const nlohmann::json theirs = nlohmann::json::parse(text, nullptr, false);
  // What only one of them reads: great depths, escaped lone surrogates, numbers beyond a double.
  if (!ours || theirs.is_discarded()) return 0;
  const std::string canonical = canonical_json(*ours);
  std::string expected;
  append_canonical(expected, theirs);
  TOMBOLO_CHECK(canonical == expected, "both write the same canonical text");
  const Result<Value> again = parse_json(canonical);
  TOMBOLO_CHECK(again && canonical_json(*again) == canonical, "canonical text stays as it is");
  const Result<Value> plain = parse_json(ours->to_json());
  TOMBOLO_CHECK(plain && canonical_json(*plain) == canonical, "plain text says the same");
  return 0;
}
