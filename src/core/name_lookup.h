// Finding by name in a list of members: with a look at each where there are few, through a sorted
// index where there are many, so that no size of a record makes its fold slow. Sorted, not hashed:
// whoever chooses the names cannot make it slow either.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/operation.h"

namespace tombolo::core {

inline constexpr std::size_t kFewNames = 32;  // searched one by one

inline std::string_view name_in(const Member& member) {
  return member.key;
}
inline std::string_view name_in(const AtomicField& field) {
  return field.field;
}
inline std::string_view name_in(const std::string& name) {
  return name;
}

// A view of a list that outlives it and does not change meanwhile.
template <typename Item>
class NameLookup {
 public:
  explicit NameLookup(std::span<const Item> items) : items_(items) {
    if (items.size() <= kFewNames) return;
    sorted_.reserve(items.size());
    for (const Item& item : items) sorted_.push_back(&item);
    std::stable_sort(sorted_.begin(), sorted_.end(), [](const Item* left, const Item* right) {
      return name_in(*left) < name_in(*right);
    });
  }

  // The first of that name, or a null pointer.
  const Item* find(std::string_view name) const {
    if (sorted_.empty()) {
      for (const Item& item : items_) {
        if (name_in(item) == name) return &item;
      }
      return nullptr;
    }
    const auto found = std::lower_bound(
        sorted_.begin(), sorted_.end(), name,
        [](const Item* item, std::string_view wanted) { return name_in(*item) < wanted; });
    return found != sorted_.end() && name_in(**found) == name ? *found : nullptr;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }

 private:
  std::span<const Item> items_;
  std::vector<const Item*> sorted_;  // empty when there are few
};

// The members of an object.
class FieldLookup {
 public:
  explicit FieldLookup(const Object& object)
      : members_(std::span<const Member>(object.begin(), object.end())) {}

  const Value* find(std::string_view name) const {
    const Member* member = members_.find(name);
    return member != nullptr ? &member->value : nullptr;
  }
  bool contains(std::string_view name) const { return members_.contains(name); }

 private:
  NameLookup<Member> members_;
};

}  // namespace tombolo::core
