#include "server/storage/permission_set.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace tombolo::server {

namespace {

auto position_of(auto& entries, std::string_view permission) {
  return std::lower_bound(entries.begin(), entries.end(), permission,
                          [](const PermissionSet::Entry& entry, std::string_view name) {
                            return entry.permission < name;
                          });
}

}  // namespace

Result<PermissionSet> PermissionSet::parse(const Value& value) {
  const Object* object = value.if_object();
  if (object == nullptr) {
    return fail(ErrorCode::invalid_argument, "permissions must be an object of lists");
  }
  PermissionSet permissions;
  for (const Member& member : *object) {
    const Array* principals = member.value.if_array();
    if (principals == nullptr) {
      return fail(ErrorCode::invalid_argument,
                  "permission \"" + member.key + "\" must be a list of principals");
    }
    std::vector<std::string> names;
    for (const Value& principal : *principals) {
      if (!principal.is_string()) {
        return fail(ErrorCode::invalid_argument,
                    "permission \"" + member.key + "\" must list principals as strings");
      }
      names.emplace_back(principal.as_string());
    }
    permissions.set(member.key, std::move(names));
  }
  return permissions;
}

Result<PermissionSet> PermissionSet::parse(std::string_view json) {
  Result<Value> value = parse_json(json);
  if (!value) return fail(value);
  return parse(*value);
}

void PermissionSet::add(std::string_view permission, std::string_view principal) {
  auto entry = position_of(entries_, permission);
  if (entry == entries_.end() || entry->permission != permission) {
    entry = entries_.insert(entry, Entry{std::string(permission), {}});
  }
  auto& principals = entry->principals;
  const auto place = std::lower_bound(principals.begin(), principals.end(), principal);
  if (place == principals.end() || *place != principal) {
    principals.insert(place, std::string(principal));
  }
}

void PermissionSet::remove(std::string_view permission, std::string_view principal) {
  const auto entry = position_of(entries_, permission);
  if (entry == entries_.end() || entry->permission != permission) return;
  std::erase(entry->principals, principal);
  if (entry->principals.empty()) entries_.erase(entry);
}

void PermissionSet::set(std::string_view permission, std::vector<std::string> principals) {
  const auto entry = position_of(entries_, permission);
  const bool exists = entry != entries_.end() && entry->permission == permission;
  std::sort(principals.begin(), principals.end());
  principals.erase(std::unique(principals.begin(), principals.end()), principals.end());
  if (principals.empty()) {
    if (exists) entries_.erase(entry);
  } else if (exists) {
    entry->principals = std::move(principals);
  } else {
    entries_.insert(entry, Entry{std::string(permission), std::move(principals)});
  }
}

const std::vector<std::string>* PermissionSet::find(std::string_view permission) const {
  const auto entry = position_of(entries_, permission);
  if (entry == entries_.end() || entry->permission != permission) return nullptr;
  return &entry->principals;
}

bool PermissionSet::grants(std::string_view permission,
                           std::span<const std::string> principals) const {
  const std::vector<std::string>* granted = find(permission);
  if (granted == nullptr) return false;
  return std::any_of(principals.begin(), principals.end(), [&](const std::string& principal) {
    return std::binary_search(granted->begin(), granted->end(), principal);
  });
}

std::string PermissionSet::to_json() const {
  std::string json = "{";
  for (const Entry& entry : entries_) {
    if (json.size() > 1) json += ',';
    append_json_string(json, entry.permission);
    json += ":[";
    for (const std::string& principal : entry.principals) {
      if (json.back() != '[') json += ',';
      append_json_string(json, principal);
    }
    json += ']';
  }
  json += '}';
  return json;
}

Object PermissionSet::to_object() const {
  Object object;
  for (const Entry& entry : entries_) {
    Array principals(entry.principals.begin(), entry.principals.end());
    object.append_unchecked(entry.permission, std::move(principals));
  }
  return object;
}

}  // namespace tombolo::server
