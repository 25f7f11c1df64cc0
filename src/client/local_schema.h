// The tables of a client's database file.
//
// `operations` is the log and the outbox at once: `pending` is a bit mask of the remotes (bit
// remote_key - 1) that have not acknowledged the operation. `records` is what the log folds to,
// over `base` where a request/response remote owns the history: `base` is that remote's last known
// version of the record and `base_version` its version tag; base NULL with a base_version means
// that the record is exactly what the remote has, and a '-' before the base's JSON that the remote
// deleted the record, whose last fields these were.
//
// Rows are in order of arrival and named by integers; the only index over random keys is the one
// that finds a record by its id. An operation is found by its record and stamp.
#pragma once

#include "store/migrations.h"

namespace tombolo::client {

inline constexpr int kMaxRemotes = 62;  // bits of `pending` that are used

const store::Schema& local_schema();

}  // namespace tombolo::client
