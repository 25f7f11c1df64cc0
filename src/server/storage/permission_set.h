// Permission sets: who may do what on one object. Most objects share one of a few, so that each
// distinct set is stored once and objects name it by its key.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::server {

// Names one distinct set for ever; 0 is the empty set.
using PermissionsKey = std::int64_t;
inline constexpr PermissionsKey kNoPermissions = 0;

// The entries of one object: for each permission ("read", "write", "record:create", ...) its
// principals. Sorted and without repetitions, so that equal sets have equal texts.
class PermissionSet {
 public:
  struct Entry {
    std::string permission;
    std::vector<std::string> principals;  // never empty
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // From {"read": ["principal", ...], ...}; fails with invalid_argument on another shape.
  static Result<PermissionSet> parse(const Value& value);
  static Result<PermissionSet> parse(std::string_view json);

  void add(std::string_view permission, std::string_view principal);
  void remove(std::string_view permission, std::string_view principal);
  void set(std::string_view permission, std::vector<std::string> principals);  // empty: removes it
  void clear() { entries_.clear(); }

  const std::vector<std::string>* find(std::string_view permission) const;  // null: nobody
  // Whether one of `principals` has `permission` here (exactly this one: "write" implies nothing).
  bool grants(std::string_view permission, std::span<const std::string> principals) const;

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  std::string to_json() const;  // permissions and principals in order
  Object to_object() const;
  friend bool operator==(const PermissionSet&, const PermissionSet&) = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace tombolo::server
