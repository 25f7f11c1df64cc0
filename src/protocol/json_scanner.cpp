#include "protocol/json_scanner.h"

#include <cstring>

#include "base/json.h"

namespace tombolo::protocol {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool at_end() const { return at_ == text_.size(); }
  std::string_view from(std::size_t start) const { return text_.substr(start, at_ - start); }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool take(char expected) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  // Past the string that starts here; false when there is none or it does not end.
  bool skip_string() {
    if (at_ == text_.size() || text_[at_] != '"') return false;
    std::size_t from = at_ + 1;
    for (;;) {
      const void* quote = std::memchr(text_.data() + from, '"', text_.size() - from);
      if (quote == nullptr) return false;
      const auto end = static_cast<std::size_t>(static_cast<const char*>(quote) - text_.data());
      std::size_t backslashes = 0;
      while (end - backslashes > at_ + 1 && text_[end - backslashes - 1] == '\\') ++backslashes;
      if (backslashes % 2 == 0) {
        at_ = end + 1;
        return true;
      }
      from = end + 1;
    }
  }

  // Past the value that starts here: to its closing bracket, or to what ends a scalar.
  bool skip_value() {
    skip_space();
    const std::size_t start = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char character = text_[at_];
      if (character == '"') {
        if (!skip_string()) return false;
        if (depth == 0) return true;
        continue;
      }
      if (character == '{' || character == '[') {
        ++depth;
      } else if (character == '}' || character == ']') {
        if (depth == 0) return at_ > start;
        if (--depth == 0) {
          ++at_;
          return true;
        }
      } else if (depth == 0 && (character == ',' || is_space(character))) {
        return at_ > start;
      }
      ++at_;
    }
    return depth == 0 && at_ > start;
  }

 private:
  static bool is_space(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::unexpected<Error> broken(const Scanner& scanner, const char* what) {
  return fail(ErrorCode::invalid_data,
              "invalid JSON at byte " + std::to_string(scanner.at()) + ": " + what);
}

Result<std::string> read_key(Scanner& scanner) {
  scanner.skip_space();
  const std::size_t start = scanner.at();
  if (!scanner.skip_string()) return broken(scanner, "a member must start with its name");
  const std::string_view quoted = scanner.from(start);
  if (quoted.find('\\') == std::string_view::npos) {
    return std::string(quoted.substr(1, quoted.size() - 2));
  }
  Result<Value> key = parse_json(quoted);
  if (!key) return fail(key);
  return std::string(key->as_string());
}

Result<void> finish(Scanner& scanner) {
  scanner.skip_space();
  if (!scanner.at_end()) return broken(scanner, "unexpected text after the value");
  return {};
}

}  // namespace

Result<std::vector<JsonMember>> split_json_object(std::string_view text) {
  Scanner scanner(text);
  if (!scanner.take('{')) return broken(scanner, "an object was expected");
  std::vector<JsonMember> members;
  if (!scanner.take('}')) {
    do {
      Result<std::string> key = read_key(scanner);
      if (!key) return fail(key);
      if (!scanner.take(':')) return broken(scanner, "':' was expected after a name");
      scanner.skip_space();
      const std::size_t start = scanner.at();
      if (!scanner.skip_value()) return broken(scanner, "a value is missing or does not end");
      members.push_back({std::move(*key), scanner.from(start)});
    } while (scanner.take(','));
    if (!scanner.take('}')) return broken(scanner, "',' or '}' was expected");
  }
  if (const Result<void> end = finish(scanner); !end) return fail(end);
  return members;
}

Result<std::vector<std::string_view>> split_json_array(std::string_view text) {
  Scanner scanner(text);
  if (!scanner.take('[')) return broken(scanner, "an array was expected");
  std::vector<std::string_view> elements;
  if (!scanner.take(']')) {
    do {
      scanner.skip_space();
      const std::size_t start = scanner.at();
      if (!scanner.skip_value()) return broken(scanner, "a value is missing or does not end");
      elements.push_back(scanner.from(start));
    } while (scanner.take(','));
    if (!scanner.take(']')) return broken(scanner, "',' or ']' was expected");
  }
  if (const Result<void> end = finish(scanner); !end) return fail(end);
  return elements;
}

}  // namespace tombolo::protocol
