#include "kinto/filter_oracle.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace tombolo::kinto_cases {
namespace {

// --- order ---

int rank_of(const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      return 0;
    case Value::Type::string:
      return 1;
    case Value::Type::integer:
    case Value::Type::number:
      return 2;
    case Value::Type::boolean:
      return 3;
    case Value::Type::array:
      return 4;
    case Value::Type::object:
      return 5;
  }
  return 0;
}

std::weak_ordering compare_numbers(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) return left.as_integer() <=> right.as_integer();
  if (left == right) return std::weak_ordering::equivalent;
  return left.as_number() < right.as_number() ? std::weak_ordering::less
                                              : std::weak_ordering::greater;
}

std::weak_ordering compare_arrays(const Array& left, const Array& right) {
  if (left.size() != right.size()) return left.size() <=> right.size();
  for (std::size_t index = 0; index < left.size(); ++index) {
    const auto order = compare_values(&left[index], &right[index]);
    if (order != 0) return order;
  }
  return std::weak_ordering::equivalent;
}

std::vector<const Member*> by_key(const Object& object) {
  std::vector<const Member*> members;
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const Member* left, const Member* right) { return left->key < right->key; });
  return members;
}

std::weak_ordering compare_objects(const Object& left, const Object& right) {
  if (left.size() != right.size()) return left.size() <=> right.size();
  const auto left_members = by_key(left);
  const auto right_members = by_key(right);
  for (std::size_t index = 0; index < left_members.size(); ++index) {
    const auto keys = left_members[index]->key <=> right_members[index]->key;
    if (keys != 0) return keys;
    const auto order = compare_values(&left_members[index]->value, &right_members[index]->value);
    if (order != 0) return order;
  }
  return std::weak_ordering::equivalent;
}

// --- like ---

// The lower case of the alphabets that have one and are in common use: Latin with its supplements,
// Greek, Cyrillic and Armenian. Others compare as they are.
char32_t to_lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;
  if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) {
    return c | 1;
  }
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);
  if (c == 0x178) return 0xFF;
  if (c >= 0x391 && c <= 0x3A9) return c + 32;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x531 && c <= 0x556) return c + 48;
  if (c >= 0x1E00 && c <= 0x1EFF && !(c >= 0x1E95 && c <= 0x1E9F)) return c | 1;
  return c;
}

// The lower-case code points of UTF-8 text; a byte that begins no sequence counts as itself.
std::u32string folded(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    if (length == 1 || at + length > text.size()) {
      out.push_back(to_lower(byte));
      ++at;
      continue;
    }
    char32_t code_point = byte & (0xFFu >> (length + 1));
    for (std::size_t next = 1; next < length; ++next) {
      code_point = (code_point << 6) | (static_cast<unsigned char>(text[at + next]) & 0x3F);
    }
    out.push_back(to_lower(code_point));
    at += length;
  }
  return out;
}

constexpr char32_t kAnyText = 0x110000;  // beyond Unicode
constexpr char32_t kAnyCharacter = 0x110001;

std::u32string compile_pattern(std::string_view pattern) {
  std::u32string out = folded(pattern);
  const bool anywhere = pattern.find('*') == std::string_view::npos;
  for (char32_t& character : out) {
    if (character == '*' || character == '%') character = kAnyText;
    if (character == '_') character = kAnyCharacter;
  }
  if (anywhere) {
    out.insert(out.begin(), kAnyText);
    out.push_back(kAnyText);
  }
  return out;
}

// The text that like looks at: a string as it is, everything else as JSON.
std::string text_of(const Value& value) {
  return value.is_string() ? std::string(value.as_string()) : value.to_json();
}

// --- arrays ---

bool is_contained(const Value& part, const Value& whole) {
  if (const Object* members = part.if_object()) {
    const Object* in = whole.if_object();
    return in != nullptr &&
           std::all_of(members->begin(), members->end(), [&](const Member& member) {
             const Value* found = in->find(member.key);
             return found != nullptr && is_contained(member.value, *found);
           });
  }
  if (const Array* elements = part.if_array()) {
    const Array* in = whole.if_array();
    return in != nullptr &&
           std::all_of(elements->begin(), elements->end(), [&](const Value& part_element) {
             return std::any_of(in->begin(), in->end(), [&](const Value& element) {
               return is_contained(part_element, element);
             });
           });
  }
  return part == whole;
}

bool lists(const Value& array, const Value& value) {
  const Array* elements = array.if_array();
  return elements != nullptr &&
         std::find(elements->begin(), elements->end(), value) != elements->end();
}

bool shares_element(const Value& wanted, const Value& found) {
  const Array* elements = wanted.if_array();
  return elements != nullptr &&
         std::any_of(elements->begin(), elements->end(),
                     [&](const Value& element) { return lists(found, element); });
}

}  // namespace

std::weak_ordering compare_values(const Value* left, const Value* right) {
  if (left == nullptr || right == nullptr) return (left == nullptr) <=> (right == nullptr);
  const int left_rank = rank_of(*left);
  const int right_rank = rank_of(*right);
  if (left_rank != right_rank) return left_rank <=> right_rank;
  switch (left->type()) {
    case Value::Type::null:
      return std::weak_ordering::equivalent;
    case Value::Type::string:
      return left->as_string() <=> right->as_string();
    case Value::Type::integer:
    case Value::Type::number:
      return compare_numbers(*left, *right);
    case Value::Type::boolean:
      return left->as_bool() <=> right->as_bool();
    case Value::Type::array:
      return compare_arrays(*left->if_array(), *right->if_array());
    case Value::Type::object:
      return compare_objects(*left->if_object(), *right->if_object());
  }
  return std::weak_ordering::equivalent;
}

bool is_like(std::string_view text, std::string_view pattern) {
  const std::u32string characters = folded(text);
  const std::u32string wanted = compile_pattern(pattern);
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t retry_at = 0;
  std::size_t retry_in_pattern = std::u32string::npos;  // after the last wildcard, if any
  while (at < characters.size()) {
    if (in_pattern < wanted.size() && wanted[in_pattern] == kAnyText) {
      retry_in_pattern = ++in_pattern;
      retry_at = at;
    } else if (in_pattern < wanted.size() &&
               (wanted[in_pattern] == kAnyCharacter || wanted[in_pattern] == characters[at])) {
      ++in_pattern;
      ++at;
    } else if (retry_in_pattern != std::u32string::npos) {
      in_pattern = retry_in_pattern;
      at = ++retry_at;
    } else {
      return false;
    }
  }
  return std::all_of(wanted.begin() + static_cast<std::ptrdiff_t>(in_pattern), wanted.end(),
                     [](char32_t character) { return character == kAnyText; });
}

bool matches(const Filter& filter, const ObjectView& view) {
  const Value* found = filter.literal
                           ? (view.data != nullptr ? view.data->find(filter.field) : nullptr)
                           : find_field(view, filter.field);
  switch (filter.comparison) {
    case FilterOperator::equal:
      return found != nullptr && *found == filter.value;
    case FilterOperator::not_equal:
      return found == nullptr || !(*found == filter.value);
    case FilterOperator::less:
      return compare_values(found, &filter.value) < 0;
    case FilterOperator::at_most:
      return compare_values(found, &filter.value) <= 0;
    case FilterOperator::at_least:
      return compare_values(found, &filter.value) >= 0;
    case FilterOperator::greater:
      return compare_values(found, &filter.value) > 0;
    case FilterOperator::in:
      return found != nullptr && lists(filter.value, *found);
    case FilterOperator::exclude:
      return found == nullptr || !lists(filter.value, *found);
    case FilterOperator::like:
      return found != nullptr && !found->is_null() &&
             is_like(text_of(*found), filter.value.as_string());
    case FilterOperator::has:
      return (found != nullptr) == filter.value.as_bool();
    case FilterOperator::contains:
      return found != nullptr && found->is_array() && is_contained(filter.value, *found);
    case FilterOperator::contains_any:
      return found != nullptr && shares_element(filter.value, *found);
  }
  return false;
}

bool matches(const std::vector<Filter>& filters, const ObjectView& view) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return matches(filter, view); });
}

}  // namespace tombolo::kinto_cases
