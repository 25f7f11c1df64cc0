// The three kinds of PATCH: shallow merge, merge patch (RFC 7396) and JSON patch (RFC 6902), and
// what the answer to one shows (the Response-Behavior header).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_error.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// Sets every member of `changes` in `target`; null stays null.
void shallow_merge(Object& target, const Object& changes);

// RFC 7396: merges objects recursively; null removes.
void merge_patch(Object& target, const Object& patch);

// --- JSON patch ---

struct PatchOperation {
  enum class Kind { test, add, remove, replace, move, copy };
  Kind kind = Kind::test;
  std::string path;            // a JSON pointer (RFC 6901)
  std::string from;            // of move and copy
  std::optional<Value> value;  // of test, add and replace
};

// Reads the array of operations. Refuses unknown members and operations, and what lacks a member.
Checked<std::vector<PatchOperation>> parse_json_patch(const Value& body);

// Applies all operations in order to `document`, or refuses with the reason of the first failure
// ("JSON Patch operation failed: ..."; a failed test is one).
Checked<Value> apply_json_patch(Value document, const std::vector<PatchOperation>& operations);

// The lists of principals of an object, by permission.
struct NamedPrincipals {
  std::string permission;
  std::vector<std::string> principals;
};

// What a JSON patch works on: {"data": {...}, "permissions": {"read": {"alice": "alice"}, ...}}.
// Every permission in `names` is there, so that a principal can be added to an empty one. For
// "add" below /permissions the value is implied.
Value patch_document(Object data, const std::vector<NamedPrincipals>& permissions);
std::vector<NamedPrincipals> permissions_of_document(const Value& document);

// --- the answer ---

enum class ResponseBehavior {
  full,   // the whole object
  light,  // only fields that changed
  diff,   // only fields that differ from what was sent
};

Checked<ResponseBehavior> parse_response_behavior(std::optional<std::string_view> header);

// `sent` are the fields that the patch set; before and after are whole objects, with id and
// last_modified.
Object patched_answer(ResponseBehavior behavior, const Object& before, const Object& after,
                      const Object& sent);

}  // namespace tombolo::protocol::kinto
