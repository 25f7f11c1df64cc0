// Object endpoints: /buckets/{b}, /buckets/{b}/collections/{c}, .../records/{r}.
#pragma once

#include <optional>

#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

Answer read_object(Scope& scope, const Call& call);    // GET, HEAD
Answer put_to_object(Scope& scope, const Call& call);  // creates or replaces
Answer patch_object(Scope& scope, const Call& call);
Answer delete_one(Scope& scope, const Call& call);

// {"permissions":{...},"data":{...}} of an object that is stored, with its timestamp as headers.
Answer object_answer(Scope& scope, const Call& call, const StoredObject& object, int status);

// Refuses with 412, which shows the object as it is, unless the conditions of a write hold.
api::Checked<void> check_preconditions(const Call& call,
                                       const std::optional<StoredObject>& existing);

// Refuses an id in the path that can name nothing. Records that came through other doors may have
// any id, and are found by it.
api::Checked<void> check_path_id(const Call& call, const std::optional<StoredObject>& existing);

// The whole object as a tree, with id and last_modified.
api::Checked<Object> object_tree(const StoredObject& object);

}  // namespace tombolo::server::kinto
