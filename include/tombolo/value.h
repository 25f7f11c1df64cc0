// A JSON value. Objects keep the order in which their members were added; numbers keep whether they
// were written as an integer (64 bit) or not; strings are UTF-8.
//
// Values are ordinary values: copy, move and compare them freely. Many threads may read one
// Value at once, while none writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tombolo/result.h"

namespace tombolo {

class Value;
struct Member;
using Array = std::vector<Value>;

// The members of a JSON object, in insertion order. Keys are unique.
class Object {
 public:
  Object();
  Object(std::initializer_list<Member> members);  // a repeated key keeps its last value
  Object(const Object&);
  Object(Object&&) noexcept;
  Object& operator=(const Object&);
  Object& operator=(Object&&) noexcept;
  ~Object();

  // The value under `key`, or null (a pointer) when there is none.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  // The value under `key`, added as null when there is none.
  Value& operator[](std::string_view key);

  // Sets `key` to `value`, keeping its place when it exists. Returns the stored value.
  Value& set(std::string_view key, Value value);

  // Adds a member that the caller knows to be new: constant time, no search for the key.
  Value& append_unchecked(std::string key, Value value);

  // Removes `key`; false when it was not there.
  bool erase(std::string_view key);

  void clear();
  void reserve(std::size_t count);
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  std::vector<Member>::iterator begin();
  std::vector<Member>::iterator end();
  std::vector<Member>::const_iterator begin() const;
  std::vector<Member>::const_iterator end() const;

  // Equal when both have the same keys with equal values, in whatever order.
  friend bool operator==(const Object& left, const Object& right);

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  enum class Type { null, boolean, integer, number, string, array, object };

  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(std::int64_t{value}) {}
  Value(long value) : data_(std::int64_t{value}) {}  // one of these two is std::int64_t
  Value(long long value) : data_(std::int64_t{value}) {}
  Value(double value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(Array value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}
  Value(std::initializer_list<Member> members) : data_(Object(members)) {}

  // Reads JSON text (RFC 8259). Fails with invalid_data and the byte offset on anything that is not
  // one JSON value, on invalid UTF-8, and with limit_exceeded beyond 128 levels of nesting. Of
  // repeated keys the last wins.
  static Result<Value> parse(std::string_view text);

  // Compact JSON text, members in their order.
  std::string to_json() const;

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_null() const { return type() == Type::null; }
  bool is_bool() const { return type() == Type::boolean; }
  bool is_integer() const { return type() == Type::integer; }
  bool is_number() const { return type() == Type::number || type() == Type::integer; }
  bool is_string() const { return type() == Type::string; }
  bool is_array() const { return type() == Type::array; }
  bool is_object() const { return type() == Type::object; }

  // The content, when the type is right; a null pointer otherwise.
  const bool* if_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* if_integer() const { return std::get_if<std::int64_t>(&data_); }
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  const Array* if_array() const { return std::get_if<Array>(&data_); }
  const Object* if_object() const { return std::get_if<Object>(&data_); }
  std::string* if_string() { return std::get_if<std::string>(&data_); }
  Array* if_array() { return std::get_if<Array>(&data_); }
  Object* if_object() { return std::get_if<Object>(&data_); }

  // The content, or `otherwise` when it is of another type. as_number also takes integers, and
  // as_integer also takes a number without a fraction that fits.
  bool as_bool(bool otherwise = false) const;
  std::int64_t as_integer(std::int64_t otherwise = 0) const;
  double as_number(double otherwise = 0) const;
  std::string_view as_string(std::string_view otherwise = {}) const;

  // Member `key` of an object; null (a shared constant) where there is none. The other form adds it
  // then, as null, and first makes an empty object of whatever is no object.
  const Value& operator[](std::string_view key) const;
  Value& operator[](std::string_view key);

  // Element `index` of an array; null when this is no array or it is shorter.
  const Value& at(std::size_t index) const;

  // Members of an object, elements of an array, 0 for everything else.
  std::size_t size() const;

  // Deep equality. Numbers are compared by value (1 equals 1.0), objects without regard to order.
  friend bool operator==(const Value& left, const Value& right);

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Member {
  std::string key;
  Value value;
};

}  // namespace tombolo
