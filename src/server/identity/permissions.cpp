#include "server/identity/permissions.h"

#include <algorithm>
#include <span>
#include <string>

namespace tombolo::server {

namespace {

using Names = std::span<const std::string_view>;

// Which permissions grant a wish, on the object itself and on what contains it, by the tables of
// Kinto's "permission inheritance".
struct Granting {
  std::string_view resource;  // whose settings grant it everywhere
  Names bucket;
  Names collection;  // used for collections and below
  Names object;      // used for groups and records
};

constexpr std::string_view kWriteNames[] = {"write"};
constexpr std::string_view kReadNames[] = {"write", "read"};
constexpr std::string_view kCreateGroupNames[] = {"write", "group:create"};
constexpr std::string_view kCreateCollectionNames[] = {"write", "collection:create"};
constexpr std::string_view kCreateRecordNames[] = {"write", "record:create"};
constexpr std::string_view kBucketNames[] = {"write", "read", "collection:create", "group:create"};
constexpr std::string_view kCollectionNames[] = {"write", "read", "record:create"};

Granting granting(Permission wanted, ResourceKind kind) {
  const std::string_view resource = name_of(kind);
  switch (wanted) {
    case Permission::write:
      return {resource, kWriteNames, kWriteNames, kWriteNames};
    case Permission::create_bucket:
      return {"bucket", {}, {}, {}};
    case Permission::create_group:
      return {"group", kCreateGroupNames, {}, {}};
    case Permission::create_collection:
      return {"collection", kCreateCollectionNames, {}, {}};
    case Permission::create_record:
      return {"record", kWriteNames, kCreateRecordNames, {}};
    case Permission::attributes:
      if (kind == ResourceKind::bucket) return {resource, kBucketNames, {}, {}};
      if (kind == ResourceKind::collection) return {resource, kReadNames, kCollectionNames, {}};
      break;
    case Permission::read:
      break;
  }
  return {resource, kReadNames, kReadNames, kReadNames};
}

bool shares(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  return std::any_of(left.begin(), left.end(), [&](const std::string& principal) {
    return std::find(right.begin(), right.end(), principal) != right.end();
  });
}

// Whether one of the named permissions of the set is the identity's.
Result<bool> grants(ReadTransaction& transaction, const Identity& identity,
                    PermissionsKey permissions, Names names) {
  if (permissions == kNoPermissions || names.empty()) return false;
  Result<const PermissionSet*> set = transaction.permission_set(permissions);
  if (!set) return fail(set);
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return (*set)->grants(name, identity.principals);
  });
}

// The same for an object that contains what is asked about; one that does not exist grants nothing.
Result<bool> container_grants(ReadTransaction& transaction, const Identity& identity,
                              const ObjectPath& container, Names names) {
  if (names.empty()) return false;
  Result<std::optional<PermissionsKey>> permissions = transaction.permissions_of(container);
  if (!permissions) return fail(permissions);
  if (!*permissions) return false;
  return grants(transaction, identity, **permissions, names);
}

std::optional<ObjectPath> container_of(const ListPath& list) {
  switch (list.kind) {
    case ResourceKind::bucket:
      return std::nullopt;
    case ResourceKind::group:
    case ResourceKind::collection:
      return ObjectPath::bucket(list.bucket);
    case ResourceKind::record:
      return ObjectPath::collection(list.bucket, list.collection);
  }
  return std::nullopt;
}

}  // namespace

// Without making the name: most servers grant next to nothing this way, and every request asks.
bool AccessControl::granted_by_settings(const Identity& identity, std::string_view resource,
                                        std::string_view permission) const {
  for (auto setting = settings_.lower_bound(resource);
       setting != settings_.end() && setting->first.starts_with(resource); ++setting) {
    std::string_view rest = setting->first;
    rest.remove_prefix(resource.size());
    if (!rest.starts_with('_') || !rest.substr(1).starts_with(permission)) continue;
    if (rest.substr(1 + permission.size()) != "_principals") continue;
    return shares(setting->second, identity.principals);
  }
  return false;
}

Result<bool> AccessControl::may(ReadTransaction& transaction, const Identity& identity,
                                Permission wanted, const ObjectPath& path,
                                PermissionsKey permissions) const {
  const ListPath& list = path.list;
  const Granting rule = granting(wanted, list.kind);
  const bool creates =
      wanted != Permission::read && wanted != Permission::attributes && wanted != Permission::write;
  if (creates && granted_by_settings(identity, rule.resource, "create")) return true;
  if (!settings_.empty()) {
    if (wanted != Permission::create_bucket &&
        granted_by_settings(identity, rule.resource, "write")) {
      return true;
    }
    if (!creates && wanted != Permission::write &&
        granted_by_settings(identity, rule.resource, "read")) {
      return true;
    }
  }
  if (wanted == Permission::create_bucket) return false;

  const ObjectPath bucket =
      ObjectPath::bucket(list.kind == ResourceKind::bucket ? path.id : list.bucket);
  Result<bool> granted = container_grants(transaction, identity, bucket, rule.bucket);
  if (!granted || *granted || list.kind == ResourceKind::bucket) return granted;
  if (list.kind == ResourceKind::collection) {
    return container_grants(transaction, identity, path, rule.collection);
  }
  if (list.kind == ResourceKind::record) {
    const ObjectPath collection = ObjectPath::collection(list.bucket, list.collection);
    granted = container_grants(transaction, identity, collection, rule.collection);
    if (!granted || *granted) return granted;
    return grants(transaction, identity, permissions, rule.object);
  }
  return container_grants(transaction, identity, path, rule.object);
}

bool AccessControl::reads_all(const Identity& identity, ResourceKind kind) const {
  const std::string_view resource = name_of(kind);
  return granted_by_settings(identity, resource, "write") ||
         granted_by_settings(identity, resource, "read");
}

Result<bool> AccessControl::lets_read(ReadTransaction& transaction, const Identity& identity,
                                      PermissionsKey permissions) {
  return grants(transaction, identity, permissions, kReadNames);
}

Result<bool> AccessControl::may_list(ReadTransaction& transaction, const Identity& identity,
                                     const ListPath& list, bool write) const {
  const std::string_view resource = name_of(list.kind);
  if (granted_by_settings(identity, resource, "write")) return true;
  if (!write && granted_by_settings(identity, resource, "read")) return true;
  const std::optional<ObjectPath> container = container_of(list);
  if (!container) return false;
  return may(transaction, identity, write ? Permission::write : Permission::read, *container);
}

Result<bool> AccessControl::may_create(ReadTransaction& transaction, const Identity& identity,
                                       const ListPath& list) const {
  const std::optional<ObjectPath> container = container_of(list);
  switch (list.kind) {
    case ResourceKind::bucket:
      return may(transaction, identity, Permission::create_bucket, {});
    case ResourceKind::group:
      return may(transaction, identity, Permission::create_group, *container);
    case ResourceKind::collection:
      return may(transaction, identity, Permission::create_collection, *container);
    case ResourceKind::record:
      return may(transaction, identity, Permission::create_record, *container);
  }
  return false;
}

Result<std::vector<PermissionsKey>> AccessControl::visible_sets(ReadTransaction& transaction,
                                                                const Identity& identity,
                                                                ResourceKind kind,
                                                                bool write) const {
  static constexpr std::string_view kWrite = "write";
  const std::span<const std::string_view> names =
      write ? std::span(&kWrite, 1) : std::span(permissions_of(kind));
  return transaction.sets_granting(names, identity.principals);
}

const std::vector<std::string_view>& AccessControl::permissions_of(ResourceKind kind) {
  static const std::vector<std::string_view> kBucket = {"collection:create", "group:create", "read",
                                                        "write"};
  static const std::vector<std::string_view> kCollection = {"read", "record:create", "write"};
  static const std::vector<std::string_view> kOther = {"read", "write"};
  if (kind == ResourceKind::bucket) return kBucket;
  if (kind == ResourceKind::collection) return kCollection;
  return kOther;
}

}  // namespace tombolo::server
