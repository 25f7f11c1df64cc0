#include <algorithm>
#include <utility>

#include "base/json.h"
#include "protocol/kinto_object.h"
#include "protocol/kinto_patch.h"
#include "server/changes.h"
#include "server/doors/kinto/access.h"
#include "server/doors/kinto/objects.h"

namespace tombolo::server::kinto {
namespace {

// What refuses a write once its permission is known: headers, path, existence.
api::Checked<void> check_request(const Call& call, const std::optional<StoredObject>& existing) {
  if (!call.preconditions) return api::refuse(call.preconditions);
  if (!call.parameters) return api::refuse(call.parameters);
  return check_path_id(call, existing);
}

api::Checked<void> check_exists(const Call& call, const std::optional<StoredObject>& existing) {
  if (existing) return {};
  return api::refuse(api::unknown_object(call.route.object_id(), api::name_of(call.route.kind)));
}

// Who may not see the parent is refused; who may is told that the object is missing.
api::Checked<std::optional<StoredObject>> find_to_change(Scope& scope, const Call& call) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ObjectPath path = object_path(call.route);
  auto found = find_alive(scope, path);
  if (!found) return found;
  const auto allowed = *found ? require(scope, call, Permission::write, path, *found)
                              : require_parent_read(scope, call, path.list);
  if (!allowed) return api::refuse(allowed);
  return found;
}

// What a PATCH makes of an object.
struct Patched {
  Object before;  // whole objects, with id and last_modified
  Object after;
  Object sent;  // the fields that the patch set
  PermissionsKey permissions = kNoPermissions;
};

api::Checked<PermissionsKey> patched_permissions(Scope& scope, const Value& document,
                                                 api::ResourceKind kind) {
  PermissionSet set;
  for (const api::NamedPrincipals& entry : api::permissions_of_document(document)) {
    const auto names = api::permission_names(kind);
    if (std::find(names.begin(), names.end(), entry.permission) == names.end()) {
      return api::refuse(api::invalid_parameter(
          "body", "permissions", "\"" + entry.permission + "\" is no permission of this resource"));
    }
    set.set(entry.permission, entry.principals);
  }
  const Result<PermissionsKey> key = scope.writing()->transaction().intern(set);
  if (!key) return storage_failure(key);
  return *key;
}

api::Checked<void> apply_operations_patch(Scope& scope, const Call& call,
                                          const StoredObject& existing, Patched& patched) {
  const auto operations = api::parse_json_patch(*call.body);
  if (!operations) return api::refuse(operations);
  const Result<const PermissionSet*> current =
      scope.transaction().permission_set(existing.permissions);
  if (!current) return storage_failure(current);
  std::vector<api::NamedPrincipals> permissions;
  for (const std::string_view name : api::permission_names(call.route.kind)) {
    const std::vector<std::string>* principals = (*current)->find(name);
    permissions.push_back(
        {std::string(name), principals != nullptr ? *principals : std::vector<std::string>{}});
  }
  auto document =
      api::apply_json_patch(api::patch_document(patched.before, permissions), *operations);
  if (!document) return api::refuse(document);
  const auto key = patched_permissions(scope, *document, call.route.kind);
  if (!key) return api::refuse(key);
  patched.permissions = *key;
  patched.after = std::move(*(*document)["data"].if_object());
  patched.sent = patched.after;
  return {};
}

api::Checked<void> apply_merge(Scope& scope, const Call& call, const StoredObject& existing,
                               Patched& patched) {
  api::Checked<api::WriteBody> body = api::read_write_body(*call.body, call.route.kind);
  if (!body) return api::refuse(body);
  if (!body->data && call.body->if_object()->find("permissions") == nullptr) {
    return api::refuse(
        api::invalid_parameter("body", "data", "Provide at least one of data or permissions"));
  }
  patched.after = patched.before;
  if (body->data) patched.sent = std::move(*body->data);
  if (call.patch_kind == api::PatchKind::merge) {
    api::merge_patch(patched.after, patched.sent);
    for (api::PermissionChange& change : body->permissions) {
      if (!change.principals) change.principals.emplace();
    }
  } else {
    api::shallow_merge(patched.after, patched.sent);
  }
  const auto key = changed_permissions(scope, call, existing, body->permissions, true);
  if (!key) return api::refuse(key);
  patched.permissions = *key;
  return {};
}

api::Checked<Patched> apply_patch(Scope& scope, const Call& call, const StoredObject& existing) {
  api::Checked<Object> before = object_tree(existing);
  if (!before) return api::refuse(before);
  Patched patched;
  patched.before = std::move(*before);
  const auto applied = call.patch_kind == api::PatchKind::json_patch
                           ? apply_operations_patch(scope, call, existing, patched)
                           : apply_merge(scope, call, existing, patched);
  if (!applied) return api::refuse(applied);
  const auto same_id = api::check_same_id(patched.after, existing.id);
  if (!same_id) return api::refuse(same_id);
  const auto checked = api::check_data(patched.after, call.route.kind);
  if (!checked) return api::refuse(checked);
  return patched;
}

Answer patch_answer(Scope& scope, const Call& call, const StoredObject& stored,
                    const Patched& patched, api::ResponseBehavior behavior) {
  if (behavior == api::ResponseBehavior::full) return object_answer(scope, call, stored, 200);
  const auto after = object_tree(stored);
  if (!after) return api::refuse(after);
  const auto permissions = shown_permissions(scope, call, stored.permissions);
  if (!permissions) return api::refuse(permissions);
  std::string body = "{\"permissions\":" + *permissions + ",\"data\":";
  append_json(body, api::patched_answer(behavior, patched.before, *after, patched.sent));
  body.push_back('}');
  net::HttpResponse response = json_answer(200, std::move(body));
  set_timestamp(response, stored.last_modified);
  return response;
}

}  // namespace

Answer put_to_object(Scope& scope, const Call& call) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ObjectPath path = object_path(call.route);
  const Result<std::optional<StoredObject>> row =
      scope.writing()->transaction().find_row(path.list, path.id);
  if (!row) return storage_failure(row);
  std::optional<StoredObject> existing;
  if (*row && (*row)->state == ObjectState::alive) existing = **row;
  // "If-None-Match: *" only ever creates, so that it needs no more than that right.
  const bool replaces = existing && !(call.preconditions && call.preconditions->only_if_new());
  const auto allowed = replaces ? require(scope, call, Permission::write, path, existing)
                                : require_create(scope, call, path.list);
  if (!allowed) return api::refuse(allowed);
  const auto checked = check_request(call, existing);
  if (!checked) return api::refuse(checked);
  if (!call.body) return api::refuse(call.body);
  api::Checked<api::WriteBody> body = api::read_write_body(*call.body, call.route.kind);
  if (!body) return api::refuse(body);
  const auto passed = check_preconditions(call, existing);
  if (!passed && existing && !require(scope, call, Permission::read, path, existing)) {
    // That it exists is all that is told to who may create and not read.
    return api::refuse(api::modified_meanwhile(Value(), existing->last_modified));
  }
  if (!passed) return api::refuse(passed);

  ObjectWrite write;
  write.path = path;
  if (body->data) {
    write.data = std::move(*body->data);
    if (call.in_default_bucket && call.route.kind == api::ResourceKind::bucket &&
        write.data[api::kIdField] == Value(api::kDefaultBucketName)) {
      write.data.set(api::kIdField, path.id);
    }
  } else if (existing) {
    Result<Value> kept = parse_json(existing->data);
    if (!kept) return storage_failure(kept);
    write.data = std::move(*kept->if_object());
  }
  const auto same_id = api::check_same_id(write.data, path.id);
  if (!same_id) return api::refuse(same_id);
  const auto storable = api::check_data(write.data, call.route.kind);
  if (!storable) return api::refuse(storable);
  write.forced_last_modified = api::take_forced_timestamp(write.data);
  api::remove_metadata(write.data);
  const auto permissions = changed_permissions(scope, call, existing, body->permissions, false);
  if (!permissions) return api::refuse(permissions);
  write.permissions = *permissions;
  const Result<StoredObject> stored = put_object(*scope.writing(), std::move(write), *row);
  if (!stored) return storage_failure(stored);
  return object_answer(scope, call, *stored, existing ? 200 : 201);
}

Answer patch_object(Scope& scope, const Call& call) {
  const auto found = find_to_change(scope, call);
  if (!found) return api::refuse(found);
  const auto checked = check_request(call, *found);
  if (!checked) return api::refuse(checked);
  const auto behavior = api::parse_response_behavior(call.headers.get("Response-Behavior"));
  if (!behavior) return api::refuse(behavior);
  const auto exists = check_exists(call, *found);
  if (!exists) return api::refuse(exists);
  if (!call.body) return api::refuse(call.body);
  const auto passed = check_preconditions(call, *found);
  if (!passed) return api::refuse(passed);

  const api::Checked<Patched> patched = apply_patch(scope, call, **found);
  if (!patched) return api::refuse(patched);
  ObjectWrite write;
  write.path = object_path(call.route);
  write.data = patched->after;
  write.permissions = patched->permissions;
  write.forced_last_modified = api::take_forced_timestamp(write.data);
  api::remove_metadata(write.data);
  const Result<StoredObject> stored = put_object(*scope.writing(), write);
  if (!stored) return storage_failure(stored);
  return patch_answer(scope, call, *stored, *patched, *behavior);
}

Answer delete_one(Scope& scope, const Call& call) {
  const auto found = find_to_change(scope, call);
  if (!found) return api::refuse(found);
  const auto checked = check_request(call, *found);
  if (!checked) return api::refuse(checked);
  const auto exists = check_exists(call, *found);
  if (!exists) return api::refuse(exists);
  const auto passed = check_preconditions(call, *found);
  // What has begun is finished: the records are gone already.
  if (!passed && scope.part() != Scope::Part::later) return api::refuse(passed);
  const auto forced = api::parse_forced_timestamp(*call.parameters);
  if (!forced) return api::refuse(forced);
  if (scope.part() != Scope::Part::only && call.route.kind != api::ResourceKind::record) {
    const Result<std::size_t> purged =
        purge_records_below(*scope.writing(), object_path(call.route), kPartOperations);
    if (!purged) return storage_failure(purged);
    if (*purged == kPartOperations) return scope.ask_for_another_part();
  }

  const Result<StoredObject> tombstone =
      delete_object(*scope.writing(), object_path(call.route), *forced);
  if (!tombstone) return storage_failure(tombstone);
  std::string body = "{\"data\":";
  api::append_tombstone_text(body, tombstone->id, tombstone->last_modified);
  body.push_back('}');
  net::HttpResponse response = json_answer(200, std::move(body));
  set_timestamp(response, tombstone->last_modified);
  return response;
}

}  // namespace tombolo::server::kinto
