#include "server/changes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/json.h"
#include "server/record_log.h"

namespace tombolo::server {

namespace {

constexpr std::int64_t kMaxForcedTimestamp = (std::int64_t{1} << 53) - 1 - (std::int64_t{1} << 40);

Error not_found(const ObjectPath& path) {
  return {ErrorCode::not_found, "there is no " + path.uri()};
}

// Moves the list's timestamp for a write of one of its objects; gives the object's.
Result<std::int64_t> move_timestamp(WriteContext& context, const ListPath& list,
                                    std::optional<std::int64_t> current,
                                    std::optional<std::int64_t> forced) {
  WriteTransaction& transaction = context.transaction();
  Result<std::int64_t> timestamp = transaction.list_timestamp(list);
  if (!timestamp) return timestamp;
  const std::int64_t next = next_last_modified(*timestamp, context.now_ms(), current, forced);
  Result<void> moved = transaction.set_list_timestamp(list, std::max(*timestamp, next));
  if (!moved) return fail(moved);
  return next;
}

Result<StoredObject> put_row(WriteContext& context, const ObjectWrite& write,
                             const std::optional<StoredObject>& row) {
  const ListPath& list = write.path.list;
  std::optional<std::int64_t> current;
  if (row && row->state == ObjectState::alive) current = row->last_modified;
  Result<std::int64_t> modified =
      move_timestamp(context, list, current, write.forced_last_modified);
  if (!modified) return fail(modified);
  StoredObject object;
  object.id = write.path.id;
  object.last_modified = *modified;
  object.permissions = write.permissions;
  append_json(object.data, write.data);
  RowUpdate update;
  update.last_modified = *modified;
  update.data = object.data;
  update.permissions = write.permissions;
  if (!row) {
    Result<ObjectKey> key = context.transaction().insert_row(list, object.id, update);
    if (!key) return fail(key);
    object.key = *key;
    return object;
  }
  object.key = row->key;
  if (Result<void> done = context.transaction().update_row(list, row->key, update); !done) {
    return fail(done);
  }
  return object;
}

// Takes away a group, collection or record that goes with what contains it.
Result<void> purge_object(WriteContext& context, const ListPath& list, ObjectKey key) {
  WriteTransaction& transaction = context.transaction();
  if (list.kind == ResourceKind::group) return transaction.erase_row(list, key);
  Result<std::optional<StoredObject>> row = transaction.row(key);
  if (!row) return fail(row);
  if (!*row || (*row)->state == ObjectState::purged) return {};
  if (list.kind == ResourceKind::record) return purge_record(context, list, **row);
  if ((*row)->state == ObjectState::alive) {
    Result<void> ended = transaction.end_life(list.bucket, key, (*row)->permissions);
    if (!ended) return ended;
  }
  RowUpdate update;
  update.state = ObjectState::purged;
  update.permissions = (*row)->permissions;
  return transaction.update_row(list, key, update);
}

Result<std::size_t> purge_rows(WriteContext& context, const ListPath& list, std::size_t limit) {
  const auto keys = context.transaction().rows_of(list, limit);
  if (!keys) return fail(keys);
  for (const ObjectKey key : *keys) {
    if (Result<void> done = purge_object(context, list, key); !done) return fail(done);
  }
  return keys->size();
}

Result<void> purge_list(WriteContext& context, const ListPath& list) {
  WriteTransaction& transaction = context.transaction();
  const Result<std::size_t> purged = purge_rows(context, list, SIZE_MAX);
  if (!purged) return fail(purged);
  return transaction.set_list_timestamp(list, 0);
}

// Records first: the deletes that this logs belong to the lives of their collections.
Result<void> purge_below(WriteContext& context, const ObjectPath& path) {
  Result<std::vector<ListPath>> lists = context.transaction().lists_below(path);
  if (!lists) return fail(lists);
  std::partition(lists->begin(), lists->end(),
                 [](const ListPath& list) { return list.kind == ResourceKind::record; });
  for (const ListPath& list : *lists) {
    if (Result<void> done = purge_list(context, list); !done) return done;
  }
  return {};
}

Result<StoredObject> delete_row(WriteContext& context, const ObjectPath& path,
                                const StoredObject& row, std::optional<std::int64_t> forced) {
  if (path.list.kind == ResourceKind::bucket || path.list.kind == ResourceKind::collection) {
    if (Result<void> done = purge_below(context, path); !done) return fail(done);
    const std::string& bucket = path.list.kind == ResourceKind::bucket ? path.id : path.list.bucket;
    Result<void> ended = context.transaction().end_life(bucket, row.key, row.permissions);
    if (!ended) return fail(ended);
  }
  Result<std::int64_t> modified = move_timestamp(context, path.list, row.last_modified, forced);
  if (!modified) return fail(modified);
  RowUpdate update;
  update.last_modified = *modified;
  update.state = ObjectState::deleted;
  update.permissions = row.permissions;
  if (Result<void> done = context.transaction().update_row(path.list, row.key, update); !done) {
    return fail(done);
  }
  StoredObject tombstone;
  tombstone.key = row.key;
  tombstone.id = row.id;
  tombstone.last_modified = *modified;
  tombstone.state = ObjectState::deleted;
  tombstone.permissions = row.permissions;
  return tombstone;
}

Result<bool> ensure(WriteContext& context, const AccessControl& access, const Identity& identity,
                    const ObjectPath& path) {
  WriteTransaction& transaction = context.transaction();
  Result<std::optional<PermissionsKey>> existing = transaction.permissions_of(path);
  if (!existing) return fail(existing);
  if (*existing) return false;
  Result<bool> allowed = access.may_create(transaction, identity, path.list);
  if (!allowed) return allowed;
  if (!*allowed) {
    return fail(ErrorCode::permission_denied, "there is no " + path.uri() + ", and " +
                                                  std::string(identity.owner()) +
                                                  " may not create it");
  }
  PermissionSet owners;
  owners.add("write", identity.owner());
  Result<PermissionsKey> permissions = transaction.intern(owners);
  if (!permissions) return fail(permissions);
  Result<StoredObject> created = put_object(context, {path, Object(), *permissions, {}});
  if (!created) return fail(created);
  return true;
}

}  // namespace

std::int64_t next_last_modified(std::int64_t list, std::int64_t now_ms,
                                std::optional<std::int64_t> current,
                                std::optional<std::int64_t> forced) {
  // Beyond what a JavaScript number holds, a list could no longer move on.
  const bool usable = forced && *forced <= kMaxForcedTimestamp;
  if (usable && (!current || *forced > *current)) return *forced == list ? list + 1 : *forced;
  return std::max(now_ms, list + 1);
}

Result<StoredObject> put_object(WriteContext& context, const ObjectWrite& write) {
  Result<std::optional<StoredObject>> row =
      context.transaction().find_row(write.path.list, write.path.id);
  if (!row) return fail(row);
  return put_object(context, write, *row);
}

Result<StoredObject> put_object(WriteContext& context, ObjectWrite write,
                                const std::optional<StoredObject>& row) {
  if (write.path.list.kind == ResourceKind::record) {
    return apply_own_change(context, write.path, row,
                            {std::move(write.data), write.permissions, write.forced_last_modified});
  }
  return put_row(context, write, row);
}

Result<StoredObject> delete_object(WriteContext& context, const ObjectPath& path,
                                   std::optional<std::int64_t> forced_last_modified) {
  Result<std::optional<StoredObject>> row = context.transaction().find_row(path.list, path.id);
  if (!row) return fail(row);
  if (!*row || (*row)->state != ObjectState::alive) return std::unexpected(not_found(path));
  if (path.list.kind != ResourceKind::record) {
    return delete_row(context, path, **row, forced_last_modified);
  }
  return apply_own_change(context, path, *row,
                          {std::nullopt, (*row)->permissions, forced_last_modified});
}

Result<std::size_t> purge_records_below(WriteContext& context, const ObjectPath& path,
                                        std::size_t limit) {
  const Result<std::vector<ListPath>> lists = context.transaction().lists_below(path);
  if (!lists) return fail(lists);
  std::size_t count = 0;
  for (const ListPath& list : *lists) {
    if (list.kind != ResourceKind::record) continue;
    const Result<std::size_t> purged = purge_rows(context, list, limit - count);
    if (!purged) return purged;
    count += *purged;
    if (count == limit) break;
  }
  return count;
}

Result<std::vector<StoredObject>> delete_list(WriteContext& context, const ListQuery& query) {
  std::vector<std::string> ids;
  Result<void> read = context.transaction().list(query, [&](const ObjectView& object) {
    if (!object.deleted) ids.emplace_back(object.id);
    return true;
  });
  if (!read) return fail(read);
  std::vector<StoredObject> tombstones;
  tombstones.reserve(ids.size());
  for (std::string& id : ids) {
    Result<StoredObject> tombstone = delete_object(context, {query.list, std::move(id)});
    if (!tombstone) return fail(tombstone);
    tombstones.push_back(std::move(*tombstone));
  }
  return tombstones;
}

Result<std::int64_t> touch_list(WriteContext& context, const ListPath& list) {
  WriteTransaction& transaction = context.transaction();
  Result<std::int64_t> timestamp = transaction.list_timestamp(list);
  if (!timestamp || *timestamp != 0) return timestamp;
  if (Result<void> done = transaction.set_list_timestamp(list, context.now_ms()); !done) {
    return fail(done);
  }
  return context.now_ms();
}

Result<bool> ensure_bucket(WriteContext& context, const AccessControl& access,
                           const Identity& identity, const std::string& bucket) {
  return ensure(context, access, identity, ObjectPath::bucket(bucket));
}

Result<bool> ensure_collection(WriteContext& context, const AccessControl& access,
                               const Identity& identity, const std::string& bucket,
                               const std::string& collection) {
  return ensure(context, access, identity, ObjectPath::collection(bucket, collection));
}

}  // namespace tombolo::server
