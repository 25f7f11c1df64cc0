// What becomes of records whose request/response remote has lost them, or is no more.
#pragma once

#include <cstdint>

#include "client/write_session.h"
#include "sync/kinto_client_session.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

// After a whole listing of a server that lost history (sync::Recovery).
Result<void> recover_collection(WriteSession& session, CollectionEntry& collection,
                                const sync::Recovery& recovery, ConflictPolicy policy);

// Makes the records of the collection, or of all that the remote owns, this device's own.
Result<void> release_collection(WriteSession& session, CollectionEntry& collection);
Result<void> release_collections(WriteSession& session, std::int64_t remote_key);

// Whether a record of the collection rests on a version of the remote's.
Result<bool> has_based_records(WriteSession& session, const CollectionEntry& collection);

}  // namespace tombolo::client
