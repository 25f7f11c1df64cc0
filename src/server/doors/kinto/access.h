// Who may do what, asked in the order of Kinto's API: an unknown collection first, then the
// permission, then what the request says.
#pragma once

#include <optional>
#include <vector>

#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

// Refuses with 404 when the request is about records and their collection is unknown.
api::Checked<void> check_parent(Scope& scope, const Call& call);

// The object when it is alive.
api::Checked<std::optional<StoredObject>> find_alive(Scope& scope, const ObjectPath& path);

// Refuses with 401 or 403 unless `wanted` is granted. `found` is the object, if it is there.
api::Checked<void> require(Scope& scope, const Call& call, Permission wanted,
                           const ObjectPath& path, const std::optional<StoredObject>& found);

// Refuses unless the identity may create in the list, and its bucket exists.
api::Checked<void> require_create(Scope& scope, const Call& call, const ListPath& list);

// Refuses unless the identity may read what contains the list: who may not is not even told that an
// object is missing.
api::Checked<void> require_parent_read(Scope& scope, const Call& call, const ListPath& list);

// What of a list the identity may read (write): all, only what is shared with it, or nothing
// (an empty vector) because it may only create. Refuses else.
struct ListRights {
  std::optional<std::vector<PermissionsKey>> visible;
};
api::Checked<ListRights> list_rights(Scope& scope, const Call& call, const ListPath& list,
                                     bool write);

// The "permissions" of an answer: the whole map for who may write the object by its own entries,
// an empty one for others. As JSON text.
api::Checked<std::string> shown_permissions(Scope& scope, const Call& call, PermissionsKey key);

// The permissions of an object after a request that says `changes`. `keep_others` keeps what the
// request does not name (POST, PATCH). Who writes stays a writer when the request sets permissions
// or creates, if the settings say so.
api::Checked<PermissionsKey> changed_permissions(Scope& scope, const Call& call,
                                                 const std::optional<StoredObject>& existing,
                                                 const api::PermissionChanges& changes,
                                                 bool keep_others);

// Interns a set, with the one who writes added to its writers if the settings say so.
api::Checked<PermissionsKey> owned_permissions(Scope& scope, const Call& call, PermissionSet set);

}  // namespace tombolo::server::kinto
