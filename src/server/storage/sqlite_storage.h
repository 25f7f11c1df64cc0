// The server's data in one SQLite file: one connection that writes, and one for each reader, on
// snapshots beside it.
//
// One process at a time serves a file: it holds a lock on "<file>.lock". Others may read the file.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "server/storage/storage.h"
#include "store/connection.h"

#include "tombolo/result.h"

namespace tombolo::server {

struct SqliteStorageOptions {
  std::string path;
  std::string vfs;   // for tests; empty: the system's
  bool lock = true;  // false for a simulated file, which no other process can see
  store::Synchronous synchronous = store::Synchronous::full;
};

// Opens the file, or makes it, and brings it up to date. Errors: busy (another server has it),
// corrupt (damaged, or another program's file), unsupported (made by a newer Tombolo), storage.
Result<std::unique_ptr<Storage>> open_sqlite_storage(const SqliteStorageOptions& options,
                                                     const Clock& clock, Random& random);

}  // namespace tombolo::server
