#include "core/merge.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "core/name_lookup.h"

namespace tombolo::core {
namespace {

const Array& array_or_empty(const Value* value) {
  static const Array empty;
  const Array* array = value != nullptr ? value->if_array() : nullptr;
  return array != nullptr ? *array : empty;
}

const Object& object_or_empty(const Value* value) {
  static const Object empty;
  const Object* object = value != nullptr ? value->if_object() : nullptr;
  return object != nullptr ? *object : empty;
}

bool less(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) return left.as_integer() < right.as_integer();
  return left.as_number() < right.as_number();
}

const Value& larger(const Value& left, const Value& right) {
  return less(left, right) ? right : left;
}
const Value& smaller(const Value& left, const Value& right) {
  return less(right, left) ? right : left;
}

// Exact for integers as long as the sum fits, like every other peer's double otherwise.
Value sum(const Value& left, const Value& right) {
  std::int64_t total = 0;
  if (left.is_integer() && right.is_integer() &&
      !__builtin_add_overflow(left.as_integer(), right.as_integer(), &total)) {
    return total;
  }
  return left.as_number() + right.as_number();
}

Value difference(const Value& left, const Value& right) {
  std::int64_t rest = 0;
  if (left.is_integer() && right.is_integer() &&
      !__builtin_sub_overflow(left.as_integer(), right.as_integer(), &rest)) {
    return rest;
  }
  return left.as_number() - right.as_number();
}

// Elements are the same when their JSON text is (Kora protocol section 12).
class ElementSet {
 public:
  explicit ElementSet(const Array& elements) {
    texts_.reserve(elements.size());
    for (const Value& element : elements) texts_.emplace(element.to_json(), true);
  }
  bool contains(const std::string& text) const { return texts_.contains(text); }
  bool insert(std::string text) { return texts_.emplace(std::move(text), true).second; }

 private:
  std::unordered_map<std::string, bool> texts_;
};

// The base's elements in their order without those that both removed, then what either added, in
// the UTF-16 order of its text: the same whichever side is the later one.
MergedField merge_sets(const Array& base, const Array& current, const Array& later) {
  const ElementSet in_current(current);
  const ElementSet in_later(later);
  MergedField merged;
  Array result;
  ElementSet done({});
  for (const Value& element : base) {
    std::string text = element.to_json();
    const bool kept_by_current = in_current.contains(text);
    const bool kept_by_later = in_later.contains(text);
    if (!done.insert(std::move(text)) || (!kept_by_current && !kept_by_later)) continue;
    merged.current_lost |= !kept_by_current;
    merged.later_lost |= !kept_by_later;
    result.push_back(element);
  }
  std::vector<std::pair<std::string, const Value*>> additions;
  for (const Array* side : {&current, &later}) {
    for (const Value& element : *side) {
      std::string text = element.to_json();
      if (done.insert(text)) additions.emplace_back(std::move(text), &element);
    }
  }
  std::sort(additions.begin(), additions.end(), [](const auto& left, const auto& right) {
    return compare_utf16(left.first, right.first) < 0;
  });
  for (const auto& addition : additions) result.push_back(*addition.second);
  merged.value = std::move(result);
  return merged;
}

Value merge_lists(const Array& base, const Array& current, const Array& later) {
  Array result = base;
  ElementSet done(base);
  for (const Array* side : {&current, &later}) {
    for (const Value& element : *side) {
      if (done.insert(element.to_json())) result.push_back(element);
    }
  }
  return result;
}

MergedField merge_maps(const Object& base, const Object& current, const Object& later);

// One key that both sides have.
MergedField merge_key(const Value* base, const Value& current, const Value& later) {
  if (base != nullptr && later == *base) return {current};
  if (current == later || (base != nullptr && current == *base)) return {later};
  if (current.is_object() && later.is_object()) {
    return merge_maps(object_or_empty(base), *current.if_object(), *later.if_object());
  }
  if (current.is_array() && later.is_array()) {
    return merge_sets(array_or_empty(base), *current.if_array(), *later.if_array());
  }
  return {later, true, false};
}

MergedField merge_maps(const Object& base, const Object& current, const Object& later) {
  const FieldLookup in_base(base);
  const FieldLookup in_current(current);
  const FieldLookup in_later(later);
  MergedField merged;
  Object result;
  for (const Member& member : current) {
    const Value* before = in_base.find(member.key);
    if (const Value* other = in_later.find(member.key)) {
      MergedField field = merge_key(before, member.value, *other);
      merged.current_lost |= field.current_lost;
      merged.later_lost |= field.later_lost;
      result.append_unchecked(member.key, std::move(field.value));
    } else if (before == nullptr || member.value != *before) {
      merged.later_lost |= before != nullptr;  // it removed what the other side wrote
      result.append_unchecked(member.key, member.value);
    }
  }
  for (const Member& member : later) {
    if (in_current.contains(member.key)) continue;
    const Value* before = in_base.find(member.key);
    if (before != nullptr && member.value == *before) continue;
    merged.current_lost |= before != nullptr;
    result.append_unchecked(member.key, member.value);
  }
  merged.value = std::move(result);
  return merged;
}

bool merges(MergeStrategy strategy, const Value* current, const Value& later) {
  if (current == nullptr) return false;
  switch (strategy) {
    case MergeStrategy::last_writer_wins:
      return false;
    case MergeStrategy::counter:
    case MergeStrategy::max:
    case MergeStrategy::min:
      return current->is_number() && later.is_number();
    case MergeStrategy::add_wins_set:
    case MergeStrategy::append_only:
      return current->is_array() && later.is_array();
    case MergeStrategy::map:
      return current->is_object() && later.is_object();
  }
  return false;
}

}  // namespace

MergedField merge_field(MergeStrategy strategy, const Value* base, const Value* current,
                        const Value& later) {
  if (!merges(strategy, current, later)) return {later, true, false};
  const bool counted = base != nullptr && base->is_number();
  switch (strategy) {
    case MergeStrategy::last_writer_wins:
      break;
    case MergeStrategy::counter:
      return {sum(*current, difference(later, counted ? *base : Value(0)))};
    case MergeStrategy::max: {
      const Value& both = larger(*current, later);
      return {counted ? larger(both, *base) : both};
    }
    case MergeStrategy::min: {
      const Value& both = smaller(*current, later);
      return {counted ? smaller(both, *base) : both};
    }
    case MergeStrategy::add_wins_set:
      return merge_sets(array_or_empty(base), *current->if_array(), *later.if_array());
    case MergeStrategy::append_only:
      return {merge_lists(array_or_empty(base), *current->if_array(), *later.if_array())};
    case MergeStrategy::map:
      return merge_maps(object_or_empty(base), *current->if_object(), *later.if_object());
  }
  return {later, true, false};
}

Value apply_atomic(const AtomicOperation& operation, const Value* current) {
  const bool is_number = current != nullptr && current->is_number();
  switch (operation.kind) {
    case AtomicKind::increment:
      return sum(is_number ? *current : Value(0), operation.value);
    case AtomicKind::max:
      return is_number ? larger(*current, operation.value) : operation.value;
    case AtomicKind::min:
      return is_number ? smaller(*current, operation.value) : operation.value;
    case AtomicKind::append: {
      Array result = array_or_empty(current);
      result.push_back(operation.value);
      return result;
    }
    case AtomicKind::remove: {
      const std::string text = operation.value.to_json();
      Array result = array_or_empty(current);
      std::erase_if(result, [&](const Value& element) { return element.to_json() == text; });
      return result;
    }
  }
  return operation.value;
}

}  // namespace tombolo::core
