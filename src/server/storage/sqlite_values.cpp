#include "server/storage/sqlite_values.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "base/json.h"
#include "store/function.h"

namespace tombolo::server {

namespace {

// The first byte of an order key.
enum Rank : char {
  kNull = 1,
  kText = 2,
  kNumber = 3,
  kBoolean = 4,
  kArray = 5,
  kObject = 6,
  kMissing = 7,
};

void append_big_endian(std::string& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>((number >> shift) & 0xff);
}

// Doubles as bytes that sort like them; then what a double cannot tell apart of large integers.
void append_number(std::string& key, const Value& value) {
  double number = value.as_number();
  if (number == 0) number = 0;  // -0 equals 0
  const auto bits = std::bit_cast<std::uint64_t>(number);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  append_big_endian(key, (bits & kSign) != 0 ? ~bits : bits | kSign);
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  const std::int64_t integer = value.as_integer();
  const bool beyond = value.is_integer() && (integer > kExact || integer < -kExact);
  append_big_endian(key, beyond ? static_cast<std::uint64_t>(integer) ^ kSign : 0);
}

// Ends with 0 0, which sorts before every continuation: a NUL inside is written as 0 1.
void append_text(std::string& key, std::string_view text) {
  for (const char c : text) {
    key += c;
    if (c == '\0') key += '\1';
  }
  key += '\0';
  key += '\0';
}

void append_key(std::string& key, const Value& value);

void append_object(std::string& key, const Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const Member* left, const Member* right) { return left->key < right->key; });
  append_big_endian(key, members.size());
  for (const Member* member : members) {
    append_text(key, member->key);
    append_key(key, member->value);
  }
}

void append_key(std::string& key, const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      key += kNull;
      return;
    case Value::Type::string:
      key += kText;
      return append_text(key, value.as_string());
    case Value::Type::integer:
    case Value::Type::number:
      key += kNumber;
      return append_number(key, value);
    case Value::Type::boolean:
      key += kBoolean;
      key += value.as_bool() ? '\1' : '\0';
      return;
    case Value::Type::array:
      key += kArray;
      append_big_endian(key, value.size());
      for (const Value& element : *value.if_array()) append_key(key, element);
      return;
    case Value::Type::object:
      key += kObject;
      return append_object(key, *value.if_object());
  }
}

// One character of UTF-8, folded: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters lose
// their case. Malformed bytes stand for themselves.
char32_t next_folded(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead >= 0x80 && (lead < 0xc0 || at + length > text.size())) length = 1;
  char32_t code = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    code = (code << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3f);
  }
  at += length;
  if (code >= 'A' && code <= 'Z') return code + 32;
  if (code >= 0xc0 && code <= 0xde && code != 0xd7) return code + 32;
  if (code >= 0x100 && code <= 0x137) return code | 1;
  if (code >= 0x139 && code <= 0x148) return code + (code & 1);
  if (code >= 0x14a && code <= 0x177) return code | 1;
  if (code >= 0x391 && code <= 0x3a9) return code + 32;
  if (code >= 0x410 && code <= 0x42f) return code + 32;
  if (code >= 0x400 && code <= 0x40f) return code + 80;
  return code;
}

bool contains_partially(const Value& value, const Value& wanted) {
  const Object* object = value.if_object();
  const Object* parts = wanted.if_object();
  if (object != nullptr && parts != nullptr) {
    return std::all_of(parts->begin(), parts->end(), [&](const Member& part) {
      const Value* member = object->find(part.key);
      return member != nullptr && contains_partially(*member, part.value);
    });
  }
  if (value.is_array() && wanted.is_array()) return contains_value(value, wanted);
  return value == wanted;
}

bool contains_element(const Array& array, const Value& wanted) {
  return std::any_of(array.begin(), array.end(),
                     [&](const Value& element) { return contains_partially(element, wanted); });
}

// The value in an argument; null when it is missing. JSON that the database holds is valid.
std::optional<Value> value_of(const store::FunctionArguments& arguments, int index) {
  if (arguments.is_null(index)) return std::nullopt;
  Result<Value> value = parse_json(arguments.text(index));
  if (!value) return std::nullopt;
  return std::move(*value);
}

void set_key(store::FunctionAnswer& answer, std::string_view key) {
  answer.set(store::Blob(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()));
}

void json_order(const store::FunctionArguments& arguments, store::FunctionAnswer& answer) {
  const std::optional<Value> value = value_of(arguments, 0);
  set_key(answer, order_key(value ? &*value : nullptr));
}

void json_like(const store::FunctionArguments& arguments, store::FunctionAnswer& answer) {
  const std::optional<Value> value = value_of(arguments, 0);
  if (!value || value->is_null()) return answer.set(std::int64_t{0});
  const std::string* text = value->if_string();
  const bool matches =
      matches_pattern(text != nullptr ? *text : value->to_json(), arguments.text(1));
  answer.set(std::int64_t{matches});
}

void json_contains(const store::FunctionArguments& arguments, store::FunctionAnswer& answer) {
  const std::optional<Value> value = value_of(arguments, 0);
  const std::optional<Value> wanted = value_of(arguments, 1);
  answer.set(std::int64_t{value && wanted && contains_value(*value, *wanted)});
}

void json_contains_any(const store::FunctionArguments& arguments, store::FunctionAnswer& answer) {
  const std::optional<Value> value = value_of(arguments, 0);
  const std::optional<Value> wanted = value_of(arguments, 1);
  const Array* list = wanted ? wanted->if_array() : nullptr;
  answer.set(std::int64_t{value && list != nullptr && contains_any_value(*value, *list)});
}

void json_member(const store::FunctionArguments& arguments, store::FunctionAnswer& answer) {
  const std::optional<Value> value = value_of(arguments, 0);
  const Object* object = value ? value->if_object() : nullptr;
  const Value* member = object != nullptr ? object->find(arguments.text(1)) : nullptr;
  if (member != nullptr) answer.set(std::string_view(member->to_json()));
}

}  // namespace

std::string order_key(const Value* value) {
  std::string key;
  if (value == nullptr) {
    key += kMissing;
  } else {
    append_key(key, *value);
  }
  return key;
}

bool matches_pattern(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t retry_text = 0;
  std::size_t retry_pattern = pattern.npos;  // behind the last '%'
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '%') {
      retry_pattern = ++in_pattern;
      retry_text = at;
      continue;
    }
    std::size_t next_text = at;
    const char32_t left = next_folded(text, next_text);
    if (in_pattern < pattern.size()) {
      std::size_t next_pattern = in_pattern;
      const bool any = pattern[in_pattern] == '_';
      if (next_folded(pattern, next_pattern) == left || any) {
        at = next_text;
        in_pattern = next_pattern;
        continue;
      }
    }
    if (retry_pattern == pattern.npos) return false;
    next_folded(text, retry_text);
    at = retry_text;
    in_pattern = retry_pattern;
  }
  return pattern.find_first_not_of('%', in_pattern) == pattern.npos;
}

bool contains_value(const Value& value, const Value& wanted) {
  const Array* array = value.if_array();
  if (array == nullptr) return false;
  const Array* list = wanted.if_array();
  if (list == nullptr) return contains_element(*array, wanted);
  return std::all_of(list->begin(), list->end(),
                     [&](const Value& element) { return contains_element(*array, element); });
}

bool contains_any_value(const Value& value, const Array& wanted) {
  const Array* array = value.if_array();
  if (array == nullptr) return false;
  return std::any_of(array->begin(), array->end(), [&](const Value& element) {
    return std::find(wanted.begin(), wanted.end(), element) != wanted.end();
  });
}

Result<void> define_value_functions(store::Connection& connection) {
  struct Definition {
    const char* name;
    int arguments;
    void (*function)(const store::FunctionArguments&, store::FunctionAnswer&);
  };
  static constexpr Definition kDefinitions[] = {{"json_order", 1, json_order},
                                                {"json_like", 2, json_like},
                                                {"json_contains", 2, json_contains},
                                                {"json_contains_any", 2, json_contains_any},
                                                {"json_member", 2, json_member}};
  for (const Definition& definition : kDefinitions) {
    Result<void> defined = store::define_function(connection, definition.name, definition.arguments,
                                                  definition.function);
    if (!defined) return defined;
  }
  return {};
}

}  // namespace tombolo::server
