#include "protocol/kinto_body.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "protocol/kinto_id.h"
#include "protocol/kinto_object.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kJsonPatch = "application/json-patch+json";

std::string media_type_of(std::string_view header) {
  std::string type;
  for (const char character : header.substr(0, header.find(';'))) {
    if (character == ' ' || character == '\t') continue;
    const bool upper = character >= 'A' && character <= 'Z';
    type.push_back(upper ? static_cast<char>(character + 32) : character);
  }
  return type;
}

// "q=0" rules a media range out (RFC 9110 section 12.4.2).
bool has_zero_weight(std::string_view range) {
  const std::size_t at = range.find("q=0");
  return at != std::string_view::npos &&
         range.find_first_not_of("0. \t", at + 2) == std::string_view::npos;
}

ApiError body_error(std::string name, std::string description) {
  return invalid_parameter("body", std::move(name), std::move(description));
}

ApiError no_mapping(std::string name, const Value& value) {
  return body_error(std::move(name), "\"" + value.to_json() +
                                         "\" is not a mapping type: Does not implement dict-like "
                                         "functionality.");
}

Checked<PermissionChange> read_permission(const Member& member) {
  PermissionChange change{member.key, std::nullopt};
  if (member.value.is_null()) return change;
  const Array* list = member.value.if_array();
  const std::string name = "permissions." + member.key;
  if (list == nullptr) {
    return refuse(body_error(name, "\"" + member.value.to_json() + "\" is not iterable"));
  }
  change.principals.emplace();
  for (std::size_t index = 0; index < list->size(); ++index) {
    const std::string* principal = (*list)[index].if_string();
    if (principal == nullptr || principal->empty() || principal->find('\0') != std::string::npos) {
      return refuse(body_error(name + "." + std::to_string(index),
                               (*list)[index].to_json() + " is not a string"));
    }
    auto& principals = *change.principals;
    if (std::find(principals.begin(), principals.end(), *principal) == principals.end()) {
      principals.push_back(*principal);
    }
  }
  return change;
}

Checked<PermissionChanges> read_permissions(const Value& value, ResourceKind kind) {
  const Object* map = value.if_object();
  if (map == nullptr) return refuse(no_mapping("permissions", value));
  PermissionChanges changes;
  const auto names = permission_names(kind);
  for (const Member& member : *map) {
    if (std::find(names.begin(), names.end(), member.key) == names.end()) {
      std::string description = "\"" + member.key + "\" is not one of ";
      for (std::size_t index = 0; index < names.size(); ++index) {
        description.append(index == 0 ? "" : ", ").append(names[index]);
      }
      return refuse(body_error("permissions", std::move(description)));
    }
    Checked<PermissionChange> change = read_permission(member);
    if (!change) return refuse(change);
    changes.push_back(std::move(*change));
  }
  return changes;
}

bool has_nul(const Value& value);

bool has_nul(const Object& object) {
  return std::any_of(object.begin(), object.end(), [](const Member& member) {
    return member.key.find('\0') != std::string::npos || has_nul(member.value);
  });
}

bool has_nul(const Value& value) {
  if (const std::string* text = value.if_string()) return text->find('\0') != std::string::npos;
  if (const Object* object = value.if_object()) return has_nul(*object);
  const Array* elements = value.if_array();
  return elements != nullptr && std::any_of(elements->begin(), elements->end(),
                                            [](const Value& element) { return has_nul(element); });
}

}  // namespace

std::span<const std::string_view> permission_names(ResourceKind kind) {
  static constexpr std::array<std::string_view, 4> kBucket = {"read", "write", "collection:create",
                                                              "group:create"};
  static constexpr std::array<std::string_view, 3> kCollection = {"read", "write", "record:create"};
  static constexpr std::array<std::string_view, 2> kRecord = {"read", "write"};
  switch (kind) {
    case ResourceKind::bucket:
      return kBucket;
    case ResourceKind::collection:
      return kCollection;
    case ResourceKind::record:
      return kRecord;
  }
  return {};
}

Checked<PatchKind> check_content_type(std::optional<std::string_view> content_type, bool is_patch) {
  const std::string type = media_type_of(content_type.value_or(""));
  if (type.empty() || type == kJson) return PatchKind::shallow;
  if (is_patch && type == kMergePatch) return PatchKind::merge;
  if (is_patch && type == kJsonPatch) return PatchKind::json_patch;
  std::string accepted = "'application/json'";
  if (is_patch) accepted += ", 'application/merge-patch+json', 'application/json-patch+json'";
  return refuse(invalid_content(415, "Content-Type",
                                "Content-Type header should be one of [" + accepted + "]"));
}

Checked<void> check_accept(std::optional<std::string_view> accept) {
  if (!accept || accept->empty()) return {};
  std::string_view rest = *accept;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view range = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const std::string type = media_type_of(range);
    if ((type == kJson || type == "application/*" || type == "*/*") && !has_zero_weight(range)) {
      return {};
    }
  }
  return refuse(
      invalid_content(406, "Accept", "Accept header should be one of ['application/json']"));
}

Checked<Value> parse_body(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Value(Object());
  JsonOptions options;
  options.depth_limit = kBodyDepthLimit;
  Result<Value> body = parse_json(text, options);
  if (!body) return refuse(invalid_parameter("body", std::nullopt, body.error().message));
  return std::move(*body);
}

Checked<WriteBody> read_write_body(Value body, ResourceKind kind) {
  Object* members = body.if_object();
  if (members == nullptr) return refuse(no_mapping("", body));
  WriteBody read;
  for (Member& member : *members) {
    if (member.key == "data") {
      Object* data = member.value.if_object();
      if (data == nullptr) return refuse(no_mapping("data", member.value));
      read.data = std::move(*data);
    } else if (member.key == "permissions") {
      Checked<PermissionChanges> changes = read_permissions(member.value, kind);
      if (!changes) return refuse(changes);
      read.permissions = std::move(*changes);
    } else {
      return refuse(body_error("", "Unrecognized keys in mapping: \"" + member.key + "\""));
    }
  }
  return read;
}

Checked<std::optional<std::string>> read_posted_id(const Object& data) {
  const Value* id = data.find(kIdField);
  if (id == nullptr) return std::nullopt;
  if (!id->is_string() || !is_valid_id(id->as_string())) {
    return refuse(invalid_parameter("path", std::nullopt, "Invalid object id"));
  }
  return std::string(id->as_string());
}

Checked<void> check_same_id(const Object& data, std::string_view id) {
  const Value* given = data.find(kIdField);
  if (given == nullptr || (given->is_string() && given->as_string() == id)) return {};
  return refuse(body_error("id", "Object id does not match existing object"));
}

std::optional<std::int64_t> take_forced_timestamp(Object& data) {
  const Value* given = data.find(kModifiedField);
  if (given == nullptr) return std::nullopt;
  const std::optional<std::int64_t> forced =
      given->is_integer() ? std::optional(given->as_integer()) : std::nullopt;
  data.erase(kModifiedField);
  return forced;
}

void remove_metadata(Object& data) {
  data.erase(kIdField);
  data.erase(kModifiedField);
}

Checked<void> check_data(const Object& data, ResourceKind kind) {
  if (has_nul(data)) {
    return refuse(body_error("data", "A string with a NUL character (\\u0000) cannot be stored"));
  }
  if (kind != ResourceKind::collection) return {};
  const Value* expires = data.find("cache_expires");
  if (expires == nullptr || expires->is_integer()) return {};
  return refuse(body_error("data.cache_expires", "\"" + expires->to_json() + "\" is not a number"));
}

}  // namespace tombolo::protocol::kinto
