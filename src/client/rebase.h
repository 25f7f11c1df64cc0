// A record and the version of it that a request/response remote has: its base. The record is the
// fold of the operations that the remote lacks over that base (local_schema.h: records.base).
#pragma once

#include <string_view>

#include "client/write_session.h"
#include "protocol/kinto_answers.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

using RemoteVersion = protocol::kinto::ObjectAnswer;

// Takes `version` as what the remote has. Operations that it lacks stay, on top of it, as `policy`
// says; what loses goes to the loss ledger.
Result<void> rebase(WriteSession& session, CollectionEntry& collection,
                    const RemoteVersion& version, ConflictPolicy policy);

// The remote has taken everything of the record up to `position` and answers `version`.
Result<void> absorb(WriteSession& session, CollectionEntry& collection, std::int64_t position,
                    const RemoteVersion& version);

// The remote has no such record any more.
Result<void> rebase_on_nothing(WriteSession& session, CollectionEntry& collection,
                               std::string_view id, ConflictPolicy policy);

// Ends the operations of a record up to `position`, whose outcome nobody needs.
Result<void> drop_operations(WriteSession& session, CollectionEntry& collection,
                             std::int64_t record_key, std::int64_t position);

// Makes the record one of this device's own: without a base, its present state written as an
// insert.
Result<void> make_own(WriteSession& session, CollectionEntry& collection, std::string_view id);

}  // namespace tombolo::client
