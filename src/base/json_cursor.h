// Reads JSON text piece by piece, for readers that know what they look for and need no tree of it.
// parse_json is this reader, asked for one Value.
//
// It is as strict as parse_json (base/json.h), except in what it is told to skip. The first problem
// stays: from then on every call fails, and error() tells it.
//
//   JsonCursor cursor(text);
//   std::string_view key;
//   if (!cursor.open_object()) ...
//   while (cursor.next_member(key)) {
//     if (key == "name") cursor.read(name);  // each member's value must be read or skipped
//   }
//   if (!cursor.finish()) return cursor.error();
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace tombolo {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text, int depth_limit = kJsonDepthLimit)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        depth_left_(depth_limit) {}

  // The character with which the next value begins; 0 at the end of the text.
  char peek() {
    if (at_ != end_ && is_space(*at_)) skip_space();
    return at_ != end_ ? *at_ : '\0';
  }

  // Enters the object or array that begins here; then each member or element in turn, until there
  // is none (which leaves it) or a problem. `key` lives until the next call.
  bool open_object();
  bool next_member(std::string_view& key);
  bool open_array();
  bool next_element();

  bool read(Value& out);
  bool read_members(Object& out);         // of the object that begins here, added to `out`
  bool read_text(std::string_view& out);  // of a string; lives until the next call

  // Passes over the value that begins here and gives its text, of which only brackets and quotes
  // were looked at: a real reader must still see it before it is believed.
  bool skip(std::string_view& out);

  // Whether the text ended well: nothing but white space is left.
  bool finish();

  bool failed() const { return problem_ != nullptr; }
  std::unexpected<Error> error() const;

 private:
  static bool is_space(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
  }
  void skip_space();
  bool complain(const char* what);
  bool open(char bracket, const char* expected);
  bool next(char bracket, const char* ended, const char* expected);
  bool read_elements(Array& out);
  bool read_quoted(std::string_view& out);
  bool read_word(std::string_view word, Value value, Value& out);
  bool read_number(Value& out);
  bool read_digits();
  bool skip_plain();
  bool read_escaped();
  bool read_escape();
  bool read_unicode_escape();
  bool read_four_digits(std::uint32_t& unit);

  const char* begin_;
  const char* at_;
  const char* end_;  // from the first problem on, `at_`: there is nothing more to read
  int depth_left_;
  bool opened_ = false;  // just now: no comma stands before the first member or element
  std::string unescaped_;
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
  ErrorCode code_ = ErrorCode::invalid_data;
};

}  // namespace tombolo
