// A recursive descent reader. It walks the text once and checks UTF-8 as it copies strings.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include "base/json.h"
#include "base/text.h"

namespace tombolo {
namespace {

// Objects with more members than this look for repeated keys in a table instead of one by one.
constexpr std::size_t kLinearSearchLimit = 16;

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

class Reader {
 public:
  Reader(std::string_view text, int depth_limit)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        depth_left_(depth_limit) {}

  Result<Value> read() {
    Value value;
    if (!read_value(value)) return take_error();
    skip_space();
    if (at_ != end_) {
      complain("unexpected text after the value");
      return take_error();
    }
    return value;
  }

 private:
  bool complain(const char* what) {
    if (problem_ == nullptr) {
      problem_ = what;
      problem_at_ = at_;
    }
    return false;
  }

  std::unexpected<Error> take_error() const {
    return fail(code_, std::string("invalid JSON at byte ") + std::to_string(problem_at_ - begin_) +
                           ": " + problem_);
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool read_value(Value& out) {
    skip_space();
    if (at_ == end_) return complain("the text ends where a value was expected");
    switch (*at_) {
      case '{':
        return read_object(out);
      case '[':
        return read_array(out);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        out = Value(std::move(text));
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

  bool read_word(std::string_view word, Value value, Value& out) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0) {
      return complain("expected true, false or null");
    }
    at_ += word.size();
    out = std::move(value);
    return true;
  }

  bool enter() {
    if (depth_left_ == 0) {
      code_ = ErrorCode::limit_exceeded;
      return complain("nested too deeply");
    }
    --depth_left_;
    ++at_;
    skip_space();
    return true;
  }

  bool leave() {
    ++depth_left_;
    ++at_;
    return true;
  }

  bool read_array(Value& out) {
    if (!enter()) return false;
    Array elements;
    if (at_ != end_ && *at_ == ']') {
      out = Value(std::move(elements));
      return leave();
    }
    for (;;) {
      if (!read_value(elements.emplace_back())) return false;
      skip_space();
      if (at_ == end_) return complain("the text ends inside an array");
      if (*at_ == ']') break;
      if (*at_ != ',') return complain("expected ',' or ']' in an array");
      ++at_;
    }
    out = Value(std::move(elements));
    return leave();
  }

  bool read_object(Value& out) {
    if (!enter()) return false;
    Object members;
    std::unordered_map<std::string, std::size_t> places;  // only used for large objects
    if (at_ != end_ && *at_ == '}') {
      out = Value(std::move(members));
      return leave();
    }
    for (;;) {
      skip_space();
      std::string key;
      if (at_ == end_ || *at_ != '"') return complain("expected a quoted key in an object");
      if (!read_string(key)) return false;
      skip_space();
      if (at_ == end_ || *at_ != ':') return complain("expected ':' after a key");
      ++at_;
      if (!read_value(place_for(members, places, std::move(key)))) return false;
      skip_space();
      if (at_ == end_) return complain("the text ends inside an object");
      if (*at_ == '}') break;
      if (*at_ != ',') return complain("expected ',' or '}' in an object");
      ++at_;
    }
    out = Value(std::move(members));
    return leave();
  }

  // The last of repeated keys wins, in the place of the first.
  static Value& place_for(Object& members, std::unordered_map<std::string, std::size_t>& places,
                          std::string key) {
    if (members.size() < kLinearSearchLimit) {
      if (Value* found = members.find(key)) return *found;
      return members.append_unchecked(std::move(key), Value());
    }
    if (places.empty()) {
      for (std::size_t index = 0; index < members.size(); ++index) {
        places.emplace((members.begin() + static_cast<std::ptrdiff_t>(index))->key, index);
      }
    }
    const auto [found, is_new] = places.emplace(key, members.size());
    if (is_new) return members.append_unchecked(std::move(key), Value());
    return (members.begin() + static_cast<std::ptrdiff_t>(found->second))->value;
  }

  bool read_string(std::string& out) {
    ++at_;
    for (;;) {
      const char* run = at_;
      bool ascii = true;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\' &&
             static_cast<unsigned char>(*at_) >= 0x20) {
        ascii = ascii && static_cast<unsigned char>(*at_) < 0x80;
        ++at_;
      }
      const std::string_view plain(run, static_cast<std::size_t>(at_ - run));
      if (!ascii && !is_utf8(plain)) {
        at_ = run;
        return complain("a string is not valid UTF-8");
      }
      out.append(plain);
      if (at_ == end_) return complain("the text ends inside a string");
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ != '\\') return complain("a control character in a string must be escaped");
      if (!read_escape(out)) return false;
    }
  }

  bool read_escape(std::string& out) {
    ++at_;
    if (at_ == end_) return complain("the text ends inside a string");
    switch (*at_++) {
      case '"':
        out.push_back('"');
        return true;
      case '\\':
        out.push_back('\\');
        return true;
      case '/':
        out.push_back('/');
        return true;
      case 'b':
        out.push_back('\b');
        return true;
      case 'f':
        out.push_back('\f');
        return true;
      case 'n':
        out.push_back('\n');
        return true;
      case 'r':
        out.push_back('\r');
        return true;
      case 't':
        out.push_back('\t');
        return true;
      case 'u':
        return read_unicode_escape(out);
      default:
        --at_;
        return complain("unknown escape in a string");
    }
  }

  bool read_unicode_escape(std::string& out) {
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
    append_utf8(out, unit);
    return true;
  }

  bool read_four_digits(std::uint32_t& unit) {
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

  bool read_digits() {
    if (at_ == end_ || !is_digit(*at_)) return complain("expected a value");
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  }

  bool read_number(Value& out) {
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

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_left_;
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
  ErrorCode code_ = ErrorCode::invalid_data;
};

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonOptions& options) {
  if (options.size_limit_bytes != 0 && text.size() > options.size_limit_bytes) {
    return fail(ErrorCode::limit_exceeded, "JSON text of " + std::to_string(text.size()) +
                                               " bytes; the limit is " +
                                               std::to_string(options.size_limit_bytes));
  }
  return Reader(text, options.depth_limit).read();
}

}  // namespace tombolo
