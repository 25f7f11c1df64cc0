// Changes to objects of all kinds as the request/response doors make them: with the timestamps of
// Kinto, and for records as operations of the server's own authorship.
//
// Permissions and preconditions are the caller's to check, before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/identity/permissions.h"
#include "server/resource.h"
#include "server/storage/storage.h"
#include "server/writer.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::server {

// The timestamp that a write gets (Kinto API 1.23, "timestamps"). `list` is the list's, 0 when
// untouched; `current` the object's, when it exists; `forced` what the request asks for. Creating:
// a forced value is taken, except the list's own, which becomes one more. Changing: only when it is
// greater than the current one. Otherwise max(now, list + 1).
std::int64_t next_last_modified(std::int64_t list, std::int64_t now_ms,
                                std::optional<std::int64_t> current,
                                std::optional<std::int64_t> forced);

struct ObjectWrite {
  ObjectPath path;
  Object data;  // the whole object without id and last_modified
  PermissionsKey permissions = kNoPermissions;
  std::optional<std::int64_t> forced_last_modified;
};

// Creates or replaces. The answer has the text that is stored.
Result<StoredObject> put_object(WriteContext& context, const ObjectWrite& write);
// The same for who has read the row (WriteTransaction::find_row) in this transaction.
Result<StoredObject> put_object(WriteContext& context, ObjectWrite write,
                                const std::optional<StoredObject>& row);

// Deletes what is alive (fails with not_found otherwise); gives the tombstone. A bucket or a
// collection takes what is in it along: nothing of it is left to see, and its timestamps start
// anew.
Result<StoredObject> delete_object(WriteContext& context, const ObjectPath& path,
                                   std::optional<std::int64_t> forced_last_modified = {});

// Takes away at most `limit` of the records in a bucket or a collection that are there, as deleting
// it does; how many there were. Much is taken away like this, in parts, before the deletion, so
// that nobody waits for it long. In between the object is still there, with what is left in it.
Result<std::size_t> purge_records_below(WriteContext& context, const ObjectPath& path,
                                        std::size_t limit);

// Deletes every object that matches (tombstones never do) and gives the tombstones, in the query's
// order.
Result<std::vector<StoredObject>> delete_list(WriteContext& context, const ListQuery& query);

// The timestamp of a list, started now when it was never touched.
Result<std::int64_t> touch_list(WriteContext& context, const ListPath& list);

// Makes the bucket (the collection) with `identity` as its owner, unless it is alive. True: it was
// made. Fails with permission_denied when the identity may not create it.
Result<bool> ensure_bucket(WriteContext& context, const AccessControl& access,
                           const Identity& identity, const std::string& bucket);
Result<bool> ensure_collection(WriteContext& context, const AccessControl& access,
                               const Identity& identity, const std::string& bucket,
                               const std::string& collection);

}  // namespace tombolo::server
