// Numbered schema versions. A database file says in its header whose it is (application_id) and
// which version of the schema it has (user_version); opening an older file brings it up to date,
// one transaction per version, so that a crash leaves one version or the next and nothing between.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/connection.h"

#include "tombolo/result.h"

namespace tombolo::store {

// One step from version - 1 to version. Once released it never changes.
struct Migration {
  int version = 0;        // 1, 2, 3, ...
  std::string_view name;  // for messages, e.g. "index operations by record"
  std::string_view sql;   // run first; may be empty
  Result<void> (*function)(Connection&) = nullptr;  // run next, for what SQL cannot say
};

struct Schema {
  std::string_view what;  // for messages, e.g. "Tombolo client database"
  std::int32_t application_id = 0;
  std::span<const Migration> migrations;  // versions 1 to n, in order
  int latest() const { return static_cast<int>(migrations.size()); }
};

struct MigrationResult {
  int from = 0;  // 0: the file was new
  int to = 0;
};

// Brings the file to the latest version; safe when several processes do so at the same time. An
// empty file becomes ours. With a read-only connection an older file is an error.
//
// Errors: corrupt (another application's file), unsupported (written by a newer Tombolo, or older
// and read-only), and whatever a migration fails with; the file then has the last version whose
// migration succeeded.
Result<MigrationResult> migrate(Connection& connection, const Schema& schema);

}  // namespace tombolo::store
