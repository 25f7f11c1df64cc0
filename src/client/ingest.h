// Operations that come from a remote: into the log once, and into the record.
#pragma once

#include <cstdint>

#include "client/write_session.h"

#include "tombolo/result.h"

namespace tombolo::client {

// Logs `operation` and applies it, in place or by a new fold: one at the end of the session for all
// operations of a record, which has its old value up to then. It becomes pending for the other
// remotes of its collection, not for `origin_bit`; one that is known already is noted as known to
// that remote. Errors: invalid_data (it breaks the rules of operations), storage.
Result<void> ingest(WriteSession& session, const core::Operation& operation,
                    std::int64_t origin_bit);

}  // namespace tombolo::client
