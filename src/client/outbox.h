// The outbox of a request/response remote: the records that have operations which it lacks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/write_session.h"
#include "sync/kinto_client_session.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

// The records whose operations the remote lacks, in the order of their oldest one: at most
// `max_records`, and no more than `max_bytes` of their data but for the first.
Result<std::vector<sync::PendingRecord>> read_pending_records(WriteSession& session,
                                                              const RemoteEntry& remote,
                                                              std::size_t max_records,
                                                              std::size_t max_bytes,
                                                              const sync::PushBarriers& barriers);

// Notes what is about to be sent, so that a lost answer can be told from somebody else's write, and
// takes away the fields that are the server's business.
Result<void> prepare_push(WriteSession& session, std::span<sync::PendingRecord> records);

// Writes down what became of pushed records.
Result<void> apply_push_outcomes(WriteSession& session, const RemoteEntry& remote,
                                 ConflictPolicy policy,
                                 std::span<const sync::PushOutcome> outcomes);

// Gives the remote the collections of `names` that it may own, with everything in them pending; and
// when it takes all, those here that nobody owns. Answers all that it owns.
Result<std::vector<std::string>> adopt_collections(WriteSession& session, const RemoteEntry& remote,
                                                   std::span<const std::string> names);

}  // namespace tombolo::client
