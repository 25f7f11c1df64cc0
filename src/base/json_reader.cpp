// A recursive descent reader. It walks the text once and checks UTF-8 as it meets strings.
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/byte_block.h"
#include "base/json.h"
#include "base/json_cursor.h"
#include "base/text.h"

namespace tombolo {
namespace {

// Objects with more members than this look for repeated keys in a table instead of one by one.
constexpr std::size_t kLinearSearchLimit = 16;
// What most objects need at most, so that few are moved while they grow.
constexpr std::size_t kFirstMembers = 8;

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    out.push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
    out.push_back(static_cast<char>(0x80 | ((code_point >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  }
}

double to_double(const char* first, const char* last) {
#ifdef __wasm__
  // The WebAssembly standard library has no from_chars for doubles; strtod there is exact, and
  // knows only the "C" locale.
  return std::strtod(std::string(first, last).c_str(), nullptr);
#else
  double number = 0;
  const auto result = std::from_chars(first, last, number);
  if (result.ec == std::errc::result_out_of_range) {
    // Too large reads as infinity, too small as zero, as in JavaScript.
    return std::strtod(std::string(first, last).c_str(), nullptr);
  }
  return number;
#endif
}

// Where each key of a large object stands.
using Places = std::unordered_map<std::string, std::size_t>;

// The last of repeated keys wins, in the place of the first.
Value& place_for(Object& members, std::unique_ptr<Places>& places, std::string_view key) {
  if (members.size() < kLinearSearchLimit) {
    if (Value* found = members.find(key)) return *found;
    return members.append_unchecked(std::string(key), Value());
  }
  if (!places) {
    places = std::make_unique<Places>();
    for (const Member& member : members) places->emplace(member.key, places->size());
  }
  const auto [found, is_new] = places->emplace(key, members.size());
  if (is_new) return members.append_unchecked(std::string(key), Value());
  return (members.begin() + static_cast<std::ptrdiff_t>(found->second))->value;
}

}  // namespace

bool JsonCursor::complain(const char* what) {
  if (problem_ == nullptr) {
    problem_ = what;
    problem_at_ = at_;
    end_ = at_;
  }
  return false;
}

std::unexpected<Error> JsonCursor::error() const {
  return fail(code_, std::string("invalid JSON at byte ") + std::to_string(problem_at_ - begin_) +
                         ": " + problem_);
}

void JsonCursor::skip_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
}

bool JsonCursor::finish() {
  if (failed()) return false;
  skip_space();
  return at_ == end_ || complain("unexpected text after the value");
}

bool JsonCursor::open(char bracket, const char* expected) {
  if (peek() != bracket) return complain(expected);
  if (depth_left_ == 0) {
    code_ = ErrorCode::limit_exceeded;
    return complain("nested too deeply");
  }
  --depth_left_;
  ++at_;
  opened_ = true;
  return true;
}

// To the next member or element; false behind the closing bracket.
bool JsonCursor::next(char bracket, const char* ended, const char* expected) {
  const char first = peek();
  if (at_ == end_) return complain(ended);
  if (first == bracket) {
    ++depth_left_;
    ++at_;
    opened_ = false;
    return false;
  }
  if (!opened_) {
    if (first != ',') return complain(expected);
    ++at_;
  }
  opened_ = false;
  return true;
}

bool JsonCursor::open_object() {
  return open('{', "expected an object");
}

bool JsonCursor::next_member(std::string_view& key) {
  if (!next('}', "the text ends inside an object", "expected ',' or '}' in an object")) {
    return false;
  }
  if (peek() != '"') return complain("expected a quoted key in an object");
  if (!read_quoted(key)) return false;
  if (peek() != ':') return complain("expected ':' after a key");
  ++at_;
  return true;
}

bool JsonCursor::open_array() {
  return open('[', "expected an array");
}

bool JsonCursor::next_element() {
  return next(']', "the text ends inside an array", "expected ',' or ']' in an array");
}

bool JsonCursor::read(Value& out) {
  const char first = peek();
  if (at_ == end_) return complain("the text ends where a value was expected");
  switch (first) {
    case '{':
      out = Value(Object());
      return read_members(*out.if_object());
    case '[':
      out = Value(Array());
      return read_elements(*out.if_array());
    case '"': {
      std::string_view text;
      if (!read_quoted(text)) return false;
      out = Value(text);
      return true;
    }
    case 't':
      return read_word("true", Value(true), out);
    case 'f':
      return read_word("false", Value(false), out);
    case 'n':
      return read_word("null", Value(), out);
    default:
      return read_number(out);
  }
}

bool JsonCursor::read_word(std::string_view word, Value value, Value& out) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() ||
      std::memcmp(at_, word.data(), word.size()) != 0) {
    return complain("expected true, false or null");
  }
  at_ += word.size();
  out = std::move(value);
  return true;
}

bool JsonCursor::read_elements(Array& out) {
  if (!open_array()) return false;
  while (next_element()) {
    if (!read(out.emplace_back())) return false;
  }
  return !failed();
}

bool JsonCursor::read_members(Object& out) {
  if (!open_object()) return false;
  std::unique_ptr<Places> places;  // only of large objects
  std::string_view key;
  while (next_member(key)) {
    if (out.empty()) out.reserve(kFirstMembers);
    if (!read(place_for(out, places, key))) return false;
  }
  return !failed();
}

// Past the characters that stand for themselves, to what ends them.
bool JsonCursor::skip_plain() {
  const char* run = at_;
  std::uint32_t beyond_ascii = 0;
  std::uint32_t special = 0;
  while (static_cast<std::size_t>(end_ - at_) >= ByteBlock::kBytes) {
    const ByteBlock block(at_);
    special = block.equal('"') | block.equal('\\') | block.control();
    const std::uint32_t before = special == 0 ? ~0U : (special & -special) - 1;
    beyond_ascii |= block.not_ascii() & before;
    if (special != 0) break;
    at_ += ByteBlock::kBytes;
  }
  if (special != 0) {
    at_ += std::countr_zero(special);
  } else {
    for (; at_ != end_ && *at_ != '"' && *at_ != '\\'; ++at_) {
      const auto character = static_cast<unsigned char>(*at_);
      if (character < 0x20) break;
      beyond_ascii |= character & 0x80U;
    }
  }
  if (beyond_ascii != 0 && !is_utf8({run, static_cast<std::size_t>(at_ - run)})) {
    at_ = run;
    return complain("a string is not valid UTF-8");
  }
  return true;
}

bool JsonCursor::read_text(std::string_view& out) {
  return peek() == '"' ? read_quoted(out) : complain("expected a string");
}

bool JsonCursor::read_quoted(std::string_view& out) {
  const char* run = ++at_;
  if (!skip_plain()) return false;
  if (at_ != end_ && *at_ == '"') {
    out = {run, static_cast<std::size_t>(at_++ - run)};
    return true;
  }
  unescaped_.assign(run, at_);
  if (!read_escaped()) return false;
  out = unescaped_;
  return true;
}

// The rest of a string from its first escape.
bool JsonCursor::read_escaped() {
  for (;;) {
    if (at_ == end_) return complain("the text ends inside a string");
    if (*at_ == '"') {
      ++at_;
      return true;
    }
    if (*at_ != '\\') return complain("a control character in a string must be escaped");
    if (!read_escape()) return false;
    const char* run = at_;
    if (!skip_plain()) return false;
    unescaped_.append(run, at_);
  }
}

bool JsonCursor::read_escape() {
  ++at_;
  if (at_ == end_) return complain("the text ends inside a string");
  switch (*at_++) {
    case '"':
      unescaped_.push_back('"');
      return true;
    case '\\':
      unescaped_.push_back('\\');
      return true;
    case '/':
      unescaped_.push_back('/');
      return true;
    case 'b':
      unescaped_.push_back('\b');
      return true;
    case 'f':
      unescaped_.push_back('\f');
      return true;
    case 'n':
      unescaped_.push_back('\n');
      return true;
    case 'r':
      unescaped_.push_back('\r');
      return true;
    case 't':
      unescaped_.push_back('\t');
      return true;
    case 'u':
      return read_unicode_escape();
    default:
      --at_;
      return complain("unknown escape in a string");
  }
}

bool JsonCursor::read_unicode_escape() {
  std::uint32_t unit = 0;
  if (!read_four_digits(unit)) return false;
  if (unit >= 0xD800 && unit < 0xDC00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* after_first = at_;
    at_ += 2;
    std::uint32_t low = 0;
    if (!read_four_digits(low)) return false;
    if (low >= 0xDC00 && low < 0xE000) {
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else {
      at_ = after_first;  // a lone surrogate, followed by another escape
    }
  }
  append_utf8(unescaped_, unit);
  return true;
}

bool JsonCursor::read_four_digits(std::uint32_t& unit) {
  if (end_ - at_ < 4) return complain("the text ends inside a \\u escape");
  for (int count = 0; count < 4; ++count, ++at_) {
    const char digit = *at_;
    std::uint32_t value = 0;
    if (is_digit(digit)) {
      value = static_cast<std::uint32_t>(digit - '0');
    } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
      value = static_cast<std::uint32_t>((digit | 0x20) - 'a' + 10);
    } else {
      return complain("expected four hexadecimal digits after \\u");
    }
    unit = unit * 16 + value;
  }
  return true;
}

bool JsonCursor::read_digits() {
  if (at_ == end_ || !is_digit(*at_)) return complain("expected a value");
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return true;
}

bool JsonCursor::read_number(Value& out) {
  const char* start = at_;
  if (*at_ == '-') ++at_;
  const char* digits = at_;
  if (!read_digits()) return false;
  if (*digits == '0' && at_ - digits > 1) {
    at_ = digits;
    return complain("a number must not start with 0");
  }
  bool integer = true;
  if (at_ != end_ && *at_ == '.') {
    integer = false;
    ++at_;
    if (!read_digits()) return false;
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    integer = false;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!read_digits()) return false;
  }
  std::int64_t whole = 0;
  // "-0" stays a double: as an integer it would lose its sign.
  if (integer && std::from_chars(start, at_, whole).ec == std::errc() &&
      !(whole == 0 && *start == '-')) {
    out = Value(whole);
  } else {
    out = Value(to_double(start, at_));
  }
  return true;
}

Result<Value> parse_json(std::string_view text, const JsonOptions& options) {
  if (options.size_limit_bytes != 0 && text.size() > options.size_limit_bytes) {
    return fail(ErrorCode::limit_exceeded, "JSON text of " + std::to_string(text.size()) +
                                               " bytes; the limit is " +
                                               std::to_string(options.size_limit_bytes));
  }
  JsonCursor cursor(text, options.depth_limit);
  Result<Value> value;
  if (!cursor.read(*value) || !cursor.finish()) return cursor.error();
  return value;
}

}  // namespace tombolo
