#include "tombolo/value.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace tombolo {
namespace {

// 2^63 as a double: the first one that no longer fits an int64.
constexpr double kInt64Limit = 9223372036854775808.0;

constexpr std::size_t kFewMembers = 32;  // searched one by one

const Value& null_value() {
  static const Value null;
  return null;
}

std::vector<const Member*> sorted_members(const Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const Member* left, const Member* right) { return left->key < right->key; });
  return members;
}

bool equal_in_any_order(const Object& left, const Object& right) {
  const std::vector<const Member*> ours = sorted_members(left);
  const std::vector<const Member*> theirs = sorted_members(right);
  return std::equal(ours.begin(), ours.end(), theirs.begin(),
                    [](const Member* one, const Member* other) {
                      return one->key == other->key && one->value == other->value;
                    });
}

}  // namespace

Object::Object() = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object::Object(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const Member& member : members) set(member.key, member.value);
}

const Value* Object::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Value* Object::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Object::operator[](std::string_view key) {
  if (Value* found = find(key)) return *found;
  return append_unchecked(std::string(key), Value());
}

Value& Object::set(std::string_view key, Value value) {
  Value& place = (*this)[key];
  place = std::move(value);
  return place;
}

Value& Object::append_unchecked(std::string key, Value value) {
  return members_.emplace_back(std::move(key), std::move(value)).value;
}

bool Object::erase(std::string_view key) {
  const auto place = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& member) { return member.key == key; });
  if (place == members_.end()) return false;
  members_.erase(place);
  return true;
}

void Object::clear() {
  members_.clear();
}
void Object::reserve(std::size_t count) {
  members_.reserve(count);
}
std::size_t Object::size() const {
  return members_.size();
}
std::vector<Member>::iterator Object::begin() {
  return members_.begin();
}
std::vector<Member>::iterator Object::end() {
  return members_.end();
}
std::vector<Member>::const_iterator Object::begin() const {
  return members_.begin();
}
std::vector<Member>::const_iterator Object::end() const {
  return members_.end();
}

bool operator==(const Object& left, const Object& right) {
  if (left.size() != right.size()) return false;
  // Most objects that are compared were written in the same order; only then is no search needed.
  std::size_t index = 0;
  for (const Member& member : left.members_) {
    const Member& same_place = right.members_[index++];
    const bool in_place = same_place.key == member.key;
    if (!in_place && left.size() > kFewMembers) return equal_in_any_order(left, right);
    const Value* other = in_place ? &same_place.value : right.find(member.key);
    if (other == nullptr || !(member.value == *other)) return false;
  }
  return true;
}

Result<Value> Value::parse(std::string_view text) {
  return parse_json(text);
}

std::string Value::to_json() const {
  std::string out;
  append_json(out, *this);
  return out;
}

bool Value::as_bool(bool otherwise) const {
  const bool* value = if_bool();
  return value != nullptr ? *value : otherwise;
}

std::int64_t Value::as_integer(std::int64_t otherwise) const {
  if (const std::int64_t* value = if_integer()) return *value;
  if (const double* value = std::get_if<double>(&data_)) {
    if (*value >= -kInt64Limit && *value < kInt64Limit && std::trunc(*value) == *value) {
      return static_cast<std::int64_t>(*value);
    }
  }
  return otherwise;
}

double Value::as_number(double otherwise) const {
  if (const double* value = std::get_if<double>(&data_)) return *value;
  if (const std::int64_t* value = if_integer()) return static_cast<double>(*value);
  return otherwise;
}

std::string_view Value::as_string(std::string_view otherwise) const {
  const std::string* value = if_string();
  return value != nullptr ? std::string_view(*value) : otherwise;
}

const Value& Value::operator[](std::string_view key) const {
  const Object* object = if_object();
  const Value* found = object != nullptr ? object->find(key) : nullptr;
  return found != nullptr ? *found : null_value();
}

Value& Value::operator[](std::string_view key) {
  if (!is_object()) data_ = Object();
  return std::get<Object>(data_)[key];
}

const Value& Value::at(std::size_t index) const {
  const Array* array = if_array();
  return array != nullptr && index < array->size() ? (*array)[index] : null_value();
}

std::size_t Value::size() const {
  if (const Object* object = if_object()) return object->size();
  if (const Array* array = if_array()) return array->size();
  return 0;
}

bool operator==(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number() && left.type() != right.type()) {
    // An integer equals a double only where the double is exactly that integer.
    const Value& integer = left.is_integer() ? left : right;
    const double number = (left.is_integer() ? right : left).as_number();
    return number >= -kInt64Limit && number < kInt64Limit && std::trunc(number) == number &&
           static_cast<std::int64_t>(number) == integer.as_integer();
  }
  return left.data_ == right.data_;
}

}  // namespace tombolo
