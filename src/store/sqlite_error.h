// SQLite's result codes as Errors: what failed, on which file, and what to do about it.
#pragma once

#include <string>
#include <string_view>

#include "tombolo/result.h"

struct sqlite3;

namespace tombolo::store {

// The Error for an (extended) result code other than OK, ROW and DONE. `doing` completes "cannot
// ...", e.g. "open" or "commit"; the file's path follows it. `database` may be null.
Error sqlite_error(int code, sqlite3* database, std::string_view doing, const std::string& path);

// Whether the code says that the disk itself failed (as opposed to being full).
bool is_io_error(int code);

// Whether a sync of the file to the disk failed: the system may have dropped the data, so that
// trying again proves nothing.
bool is_sync_error(int code);

}  // namespace tombolo::store
