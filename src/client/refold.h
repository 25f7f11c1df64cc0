// Folding one record again from its base and its log, and the loss ledger that comes of it.
#pragma once

#include <string_view>

#include "client/write_session.h"

#include "tombolo/result.h"

namespace tombolo::client {

// What the record's log is folded over: the remote's last version, or nothing.
Result<core::RecordState> base_of(WriteSession& session, const CollectionEntry& collection,
                                  const RecordRow& row);

// The author of the versions that the collection's remote hands out.
Result<std::string> remote_node(WriteSession& session, const CollectionEntry& collection);

// The record's columns `base` and `base_version` as a state; see local_schema.h.
std::string base_text(const core::RecordState& base);

// Makes the record what its base and the operations in the log make of it. Its unresolved losses
// become those of this fold, and those that it had keep their numbers; where a base swallows
// operations they add up instead. Costs the length of the record's log.
Result<void> refold(WriteSession& session, CollectionEntry& collection, std::string_view id,
                    const RecordRow& row);

// Adds an entry to the loss ledger unless the same one is there already.
Result<void> record_loss(WriteSession& session, const CollectionEntry& collection,
                         std::string_view id, std::int64_t record_key, const core::Loss& loss);

}  // namespace tombolo::client
