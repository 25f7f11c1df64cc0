// JSON patch (RFC 6902) with JSON pointers (RFC 6901).
#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/kinto_body.h"
#include "protocol/kinto_patch.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::size_t kMaxCopiedBytes = std::size_t{1} << 20;
constexpr std::string_view kTooDeep = "the document would be nested too deeply";

using Kind = PatchOperation::Kind;
using Pointer = std::vector<std::string>;

constexpr std::array<std::string_view, 6> kKindNames = {"test",    "add",  "remove",
                                                        "replace", "move", "copy"};

ApiError operation_error(std::size_t index, std::string_view member, std::string description) {
  std::string name = std::to_string(index);
  if (!member.empty()) name.append(".").append(member);
  return invalid_parameter("body", std::move(name), std::move(description));
}

std::unexpected<ApiError> failed(std::string reason) {
  return refuse(
      invalid_parameter("body", std::nullopt, "JSON Patch operation failed: " + std::move(reason)));
}

Checked<PatchOperation> parse_operation(const Value& body, std::size_t index) {
  const Object* members = body.if_object();
  if (members == nullptr) {
    return refuse(operation_error(index, "", body.to_json() + " is not a mapping type"));
  }
  PatchOperation operation;
  bool has_kind = false;
  bool has_path = false;
  bool has_from = false;
  for (const Member& member : *members) {
    const std::string* text = member.value.if_string();
    if (member.key == "value") {
      operation.value = member.value;
      continue;
    }
    if (member.key != "op" && member.key != "path" && member.key != "from") {
      return refuse(
          operation_error(index, "", "Unrecognized keys in mapping: \"" + member.key + "\""));
    }
    if (text == nullptr) {
      return refuse(
          operation_error(index, member.key, member.value.to_json() + " is not a string"));
    }
    if (member.key == "op") {
      for (std::size_t kind = 0; kind < kKindNames.size(); ++kind) {
        if (kKindNames[kind] != *text) continue;
        operation.kind = static_cast<Kind>(kind);
        has_kind = true;
      }
      if (!has_kind) {
        return refuse(operation_error(
            index, "op", "\"" + *text + "\" is not one of test, add, remove, replace, move, copy"));
      }
      continue;
    }
    if (!text->starts_with('/')) {
      return refuse(operation_error(index, member.key, "String does not match expected pattern"));
    }
    (member.key == "path" ? has_path : has_from) = true;
    (member.key == "path" ? operation.path : operation.from) = *text;
  }
  if (!has_kind) return refuse(operation_error(index, "op", "Required"));
  if (!has_path) return refuse(operation_error(index, "path", "Required"));
  const bool needs_from = operation.kind == Kind::move || operation.kind == Kind::copy;
  if (needs_from && !has_from) return refuse(operation_error(index, "from", "Required"));
  return operation;
}

Pointer parse_pointer(std::string_view text) {
  Pointer pointer;
  while (!text.empty()) {
    text.remove_prefix(1);  // the slash
    const std::size_t end = text.find('/');
    std::string token;
    const std::string_view escaped = text.substr(0, end);
    for (std::size_t at = 0; at < escaped.size(); ++at) {
      const bool tilde = escaped[at] == '~' && at + 1 < escaped.size() &&
                         (escaped[at + 1] == '0' || escaped[at + 1] == '1');
      token.push_back(tilde ? (escaped[++at] == '0' ? '~' : '/') : escaped[at]);
    }
    pointer.push_back(std::move(token));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
  return pointer;
}

// An index of an existing element, or of the place after the last when `may_be_end`.
std::optional<std::size_t> parse_index(const std::string& token, std::size_t size,
                                       bool may_be_end) {
  if (token == "-") return may_be_end ? std::optional(size) : std::nullopt;
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto read = std::from_chars(token.data(), end, index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (read.ec != std::errc() || read.ptr != end || leading_zero) return std::nullopt;
  if (index > size || (index == size && !may_be_end)) return std::nullopt;
  return index;
}

Value* child_of(Value& parent, const std::string& token) {
  if (Object* object = parent.if_object()) return object->find(token);
  Array* array = parent.if_array();
  if (array == nullptr) return nullptr;
  const auto index = parse_index(token, array->size(), false);
  return index ? &(*array)[*index] : nullptr;
}

// Follows all but the last token.
Value* parent_of(Value& document, const Pointer& pointer) {
  Value* at = &document;
  for (std::size_t step = 0; at != nullptr && step + 1 < pointer.size(); ++step) {
    at = child_of(*at, pointer[step]);
  }
  return at;
}

Value* find(Value& document, const Pointer& pointer) {
  Value* parent = parent_of(document, pointer);
  return parent != nullptr ? child_of(*parent, pointer.back()) : nullptr;
}

bool add(Value& document, const Pointer& pointer, Value value) {
  Value* parent = parent_of(document, pointer);
  if (parent == nullptr) return false;
  if (Object* object = parent->if_object()) {
    object->set(pointer.back(), std::move(value));
    return true;
  }
  Array* array = parent->if_array();
  if (array == nullptr) return false;
  const auto index = parse_index(pointer.back(), array->size(), true);
  if (!index) return false;
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return true;
}

bool remove(Value& document, const Pointer& pointer) {
  Value* parent = parent_of(document, pointer);
  if (parent == nullptr) return false;
  if (Object* object = parent->if_object()) return object->erase(pointer.back());
  Array* array = parent->if_array();
  if (array == nullptr) return false;
  const auto index = parse_index(pointer.back(), array->size(), false);
  if (!index) return false;
  array->erase(array->begin() + static_cast<std::ptrdiff_t>(*index));
  return true;
}

// The value of an operation; a principal added to a permission is its own value.
std::optional<Value> value_of(const PatchOperation& operation, const Pointer& pointer) {
  const bool is_principal = pointer.size() == 3 && pointer[0] == "permissions";
  if (is_principal) return Value(pointer.back());
  return operation.value;
}

// Levels below and with `value`: 1 for what holds nothing. Documents are never deeper than
// kJsonDepthLimit, so the recursion ends.
std::size_t depth_of(const Value& value) {
  std::size_t deepest = 0;
  if (const Object* object = value.if_object()) {
    for (const Member& member : *object) deepest = std::max(deepest, depth_of(member.value));
  } else if (const Array* array = value.if_array()) {
    for (const Value& element : *array) deepest = std::max(deepest, depth_of(element));
  }
  return deepest + 1;
}

// What the copies of one patch may add to its document, as JSON.
struct CopyBudget {
  std::size_t bytes = kMaxCopiedBytes;

  bool take(const Value& value) {
    const std::size_t wanted = value.to_json().size();
    if (wanted > bytes) return false;
    bytes -= wanted;
    return true;
  }
};

// Below the document stand "data" and then what a body may hold.
bool is_too_deep(const Pointer& pointer, const Value& value) {
  return pointer.size() + depth_of(value) > static_cast<std::size_t>(kBodyDepthLimit) + 2;
}

// An empty text says that it went well; else why not. Copies take their bytes off
// `copies_left`: repeated, they would double the document each time.
std::string apply(Value& document, const PatchOperation& operation, CopyBudget& copies_left) {
  const Pointer pointer = parse_pointer(operation.path);
  const std::string no_such_path = "there is nothing at " + operation.path;
  switch (operation.kind) {
    case Kind::test: {
      const Value* found = find(document, pointer);
      if (found == nullptr) return no_such_path;
      if (!operation.value) return "a test needs a value";
      return *found == *operation.value ? "" : "the value at " + operation.path + " is another one";
    }
    case Kind::add: {
      std::optional<Value> value = value_of(operation, pointer);
      if (!value) return "an add needs a value";
      if (is_too_deep(pointer, *value)) return std::string(kTooDeep);
      return add(document, pointer, std::move(*value)) ? "" : no_such_path;
    }
    case Kind::remove:
      return remove(document, pointer) ? "" : no_such_path;
    case Kind::replace: {
      std::optional<Value> value = value_of(operation, pointer);
      if (!value) return "a replace needs a value";
      if (is_too_deep(pointer, *value)) return std::string(kTooDeep);
      Value* found = find(document, pointer);
      if (found == nullptr) return no_such_path;
      *found = std::move(*value);
      return "";
    }
    case Kind::move:
    case Kind::copy:
      break;
  }
  const Pointer source = parse_pointer(operation.from);
  const Value* found = find(document, source);
  if (found == nullptr) return "there is nothing at " + operation.from;
  const bool is_move = operation.kind == Kind::move;
  if (!is_move && !copies_left.take(*found)) return "the copies make the document too large";
  if (is_too_deep(pointer, *found)) return std::string(kTooDeep);
  Value moved = *found;
  if (is_move && operation.path.starts_with(operation.from + "/")) {
    return "a value cannot be moved into itself";
  }
  if (is_move) remove(document, source);
  return add(document, pointer, std::move(moved)) ? "" : no_such_path;
}

// Permissions are maps of principals, each its own value.
bool are_principals(const Value& value) {
  const Object* principals = value.if_object();
  return principals != nullptr &&
         std::all_of(principals->begin(), principals->end(), [](const Member& principal) {
           return !principal.key.empty() && principal.key.find('\0') == std::string::npos;
         });
}

}  // namespace

Checked<std::vector<PatchOperation>> parse_json_patch(const Value& body) {
  const Array* list = body.if_array();
  if (list == nullptr) {
    return refuse(invalid_parameter("body", "", "\"" + body.to_json() + "\" is not iterable"));
  }
  std::vector<PatchOperation> operations;
  for (std::size_t index = 0; index < list->size(); ++index) {
    Checked<PatchOperation> operation = parse_operation((*list)[index], index);
    if (!operation) return refuse(operation);
    operations.push_back(std::move(*operation));
  }
  return operations;
}

Checked<Value> apply_json_patch(Value document, const std::vector<PatchOperation>& operations) {
  CopyBudget copies_left;
  for (const PatchOperation& operation : operations) {
    std::string problem = apply(document, operation, copies_left);
    if (!problem.empty()) return failed(std::move(problem));
  }
  if (!document["data"].is_object()) return failed("data is no object any more");
  const Object* permissions = document["permissions"].if_object();
  if (permissions == nullptr) return failed("permissions is no object any more");
  for (const Member& permission : *permissions) {
    if (!are_principals(permission.value)) {
      return failed("/permissions/" + permission.key + " is no map of principals");
    }
  }
  return document;
}

Value patch_document(Object data, const std::vector<NamedPrincipals>& permissions) {
  Object map;
  for (const NamedPrincipals& entry : permissions) {
    Object principals;
    for (const std::string& principal : entry.principals) principals.set(principal, principal);
    map.set(entry.permission, std::move(principals));
  }
  return Object{{"data", std::move(data)}, {"permissions", std::move(map)}};
}

std::vector<NamedPrincipals> permissions_of_document(const Value& document) {
  std::vector<NamedPrincipals> permissions;
  const Object* map = document["permissions"].if_object();
  if (map == nullptr) return permissions;
  for (const Member& member : *map) {
    NamedPrincipals entry{member.key, {}};
    if (const Object* principals = member.value.if_object()) {
      for (const Member& principal : *principals) entry.principals.push_back(principal.key);
    }
    permissions.push_back(std::move(entry));
  }
  return permissions;
}

}  // namespace tombolo::protocol::kinto
