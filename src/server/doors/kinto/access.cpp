#include "server/doors/kinto/access.h"

#include <algorithm>

namespace tombolo::server::kinto {
namespace {

api::Checked<void> allow(const Call& call, const Result<bool>& allowed) {
  if (!allowed) return storage_failure(allowed);
  if (!*allowed) return not_permitted(call);
  return {};
}

// A setting may grant a right in a bucket that does not exist.
api::Checked<void> check_bucket(Scope& scope, const ListPath& list) {
  if (list.kind != ResourceKind::collection) return {};
  const auto bucket = scope.transaction().permissions_of(ObjectPath::bucket(list.bucket));
  if (!bucket) return storage_failure(bucket);
  if (!*bucket) return api::refuse(api::unknown_parent(list.bucket, "bucket"));
  return {};
}

}  // namespace

api::Checked<void> check_parent(Scope& scope, const Call& call) {
  if (call.route.kind != api::ResourceKind::record) return {};
  const auto collection = scope.transaction().permissions_of(collection_path(call.route));
  if (!collection) return storage_failure(collection);
  if (!*collection) return api::refuse(api::unknown_parent(call.route.collection, "collection"));
  return {};
}

api::Checked<std::optional<StoredObject>> find_alive(Scope& scope, const ObjectPath& path) {
  Result<std::optional<StoredObject>> found = scope.transaction().find(path);
  if (!found) return storage_failure(found);
  if (*found && (*found)->state != ObjectState::alive) return std::nullopt;
  return std::move(*found);
}

api::Checked<void> require(Scope& scope, const Call& call, Permission wanted,
                           const ObjectPath& path, const std::optional<StoredObject>& found) {
  return allow(call, scope.door().access.may(scope.transaction(), *call.identity, wanted, path,
                                             found ? found->permissions : kNoPermissions));
}

api::Checked<void> require_create(Scope& scope, const Call& call, const ListPath& list) {
  const auto allowed =
      allow(call, scope.door().access.may_create(scope.transaction(), *call.identity, list));
  return allowed ? check_bucket(scope, list) : allowed;
}

api::Checked<void> require_parent_read(Scope& scope, const Call& call, const ListPath& list) {
  return allow(call,
               scope.door().access.may_list(scope.transaction(), *call.identity, list, false));
}

api::Checked<ListRights> list_rights(Scope& scope, const Call& call, const ListPath& list,
                                     bool write) {
  const AccessControl& access = scope.door().access;
  const Result<bool> all = access.may_list(scope.transaction(), *call.identity, list, write);
  if (!all) return storage_failure(all);
  if (*all) {
    const auto bucket = check_bucket(scope, list);
    if (!bucket) return api::refuse(bucket);
    return ListRights{};
  }

  auto sets = access.visible_sets(scope.transaction(), *call.identity, list.kind, write);
  if (!sets) return storage_failure(sets);
  bool shares_something = false;
  if (!sets->empty()) {
    ListQuery query;
    query.list = list;
    query.visible = *sets;
    query.limit = 1;
    const Result<void> listed = scope.transaction().list(query, [&](const ObjectView&) {
      shares_something = true;
      return false;
    });
    if (!listed) return storage_failure(listed);
  }
  if (shares_something) return ListRights{std::move(*sets)};

  const Result<bool> creates = access.may_create(scope.transaction(), *call.identity, list);
  if (!creates) return storage_failure(creates);
  if (!*creates) return not_permitted(call);
  return ListRights{std::vector<PermissionsKey>{}};
}

api::Checked<std::string> shown_permissions(Scope& scope, const Call& call, PermissionsKey key) {
  const Result<const PermissionSet*> set = scope.transaction().permission_set(key);
  if (!set) return storage_failure(set);
  return (*set)->grants("write", call.identity->principals) ? (*set)->to_json() : "{}";
}

api::Checked<PermissionsKey> owned_permissions(Scope& scope, const Call& call, PermissionSet set) {
  if (scope.settings().explicit_permissions) set.add("write", call.identity->owner());
  const Result<PermissionsKey> key = scope.writing()->transaction().intern(set);
  if (!key) return storage_failure(key);
  return *key;
}

api::Checked<PermissionsKey> changed_permissions(Scope& scope, const Call& call,
                                                 const std::optional<StoredObject>& existing,
                                                 const api::PermissionChanges& changes,
                                                 bool keep_others) {
  const bool says_something = std::any_of(
      changes.begin(), changes.end(),
      [](const api::PermissionChange& change) { return change.principals.has_value(); });
  if (existing && !says_something) return existing->permissions;
  PermissionSet set;
  if (existing && keep_others) {
    const Result<const PermissionSet*> current =
        scope.transaction().permission_set(existing->permissions);
    if (!current) return storage_failure(current);
    set = **current;
  }
  for (const api::PermissionChange& change : changes) {
    if (change.principals) set.set(change.name, *change.principals);
  }
  return owned_permissions(scope, call, std::move(set));
}

}  // namespace tombolo::server::kinto
