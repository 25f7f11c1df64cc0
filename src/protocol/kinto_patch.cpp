#include "protocol/kinto_patch.h"

namespace tombolo::protocol::kinto {

void shallow_merge(Object& target, const Object& changes) {
  for (const Member& member : changes) target.set(member.key, member.value);
}

void merge_patch(Object& target, const Object& patch) {
  for (const Member& member : patch) {
    if (member.value.is_null()) {
      target.erase(member.key);
      continue;
    }
    const Object* nested = member.value.if_object();
    if (nested == nullptr) {
      target.set(member.key, member.value);
      continue;
    }
    Value& place = target[member.key];
    if (!place.is_object()) place = Object();
    merge_patch(*place.if_object(), *nested);
  }
}

Checked<ResponseBehavior> parse_response_behavior(std::optional<std::string_view> header) {
  if (!header || header->empty() || *header == "full") return ResponseBehavior::full;
  if (*header == "light") return ResponseBehavior::light;
  if (*header == "diff") return ResponseBehavior::diff;
  return refuse(
      invalid_parameter("header", "Response-Behavior",
                        "\"" + std::string(*header) + "\" is not one of full, light, diff"));
}

Object patched_answer(ResponseBehavior behavior, const Object& before, const Object& after,
                      const Object& sent) {
  if (behavior == ResponseBehavior::full) return after;
  Object answer;
  for (const Member& member : sent) {
    const Value* old_value = before.find(member.key);
    const Value* new_value = after.find(member.key);
    const bool same = old_value != nullptr && new_value != nullptr ? *old_value == *new_value
                                                                   : old_value == new_value;
    if (same || new_value == nullptr) continue;
    if (behavior == ResponseBehavior::diff && *new_value == member.value) continue;
    answer.set(member.key, *new_value);
  }
  return answer;
}

}  // namespace tombolo::protocol::kinto
