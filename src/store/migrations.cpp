#include "store/migrations.h"

#include <string>

#include "base/check.h"
#include "store/statement.h"
#include "store/transaction.h"

namespace tombolo::store {
namespace {

struct FileState {
  std::int32_t application_id = 0;
  int version = 0;
  bool empty = false;
};

Result<FileState> read_state(Connection& connection) {
  auto id = connection.application_id();
  if (!id) return fail(id);
  auto version = connection.user_version();
  if (!version) return fail(version);
  auto statement =
      Statement::prepare(connection, "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)");
  if (!statement) return fail(statement);
  auto empty = statement->query_one([](const Row& row) { return row.int64(0) != 0; });
  if (!empty) return fail(empty);
  return FileState{*id, *version, empty->value_or(true)};
}

// All of it as it was at one moment: another process may be making the file.
Result<FileState> read_snapshot(Connection& connection) {
  const auto snapshot = Transaction::begin(connection, Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot);
  return read_state(connection);
}

// Whether this build may use the file as it is, possibly after migrations.
Result<void> check_ours(const Connection& connection, const Schema& schema,
                        const FileState& state) {
  const bool is_new = state.empty && state.application_id == 0 && state.version == 0;
  if (!is_new && state.application_id != schema.application_id) {
    return fail(ErrorCode::corrupt, "\"" + connection.path() + "\" is not a " +
                                        std::string(schema.what) +
                                        ": it belongs to another application; name another file");
  }
  if (state.version > schema.latest() || state.version < 0) {
    return fail(ErrorCode::unsupported,
                "\"" + connection.path() + "\" was written by a newer version of Tombolo (" +
                    std::string(schema.what) + " version " + std::to_string(state.version) +
                    "; this program knows versions up to " + std::to_string(schema.latest()) +
                    "): update this program");
  }
  return {};
}

Result<void> apply(Connection& connection, const Schema& schema, const Migration& migration) {
  if (auto done = connection.execute(migration.sql); !done) return done;
  if (migration.function != nullptr) {
    if (auto done = migration.function(connection); !done) return done;
  }
  if (auto set = connection.set_application_id(schema.application_id); !set) return set;
  return connection.set_user_version(migration.version);
}

// Applies the one migration after the file's version, which another process may just have raised.
// Answers the file's version afterwards.
Result<int> migrate_one(Connection& connection, const Schema& schema) {
  auto transaction = Transaction::begin(connection);
  if (!transaction) return fail(transaction);
  auto state = read_state(connection);
  if (!state) return fail(state);
  if (auto ours = check_ours(connection, schema, *state); !ours) return fail(ours);
  if (state->version == schema.latest()) return state->version;
  const Migration& migration = schema.migrations[static_cast<std::size_t>(state->version)];
  auto done = apply(connection, schema, migration);
  if (done) done = transaction->commit();
  if (!done) {
    return fail(done.error().code, "cannot bring \"" + connection.path() + "\" to version " +
                                       std::to_string(migration.version) + " (" +
                                       std::string(migration.name) + "): " + done.error().message);
  }
  return migration.version;
}

void check_schema(const Schema& schema) {
  TOMBOLO_CHECK(schema.application_id != 0, "a schema needs an application id");
  int expected = 0;
  for (const Migration& migration : schema.migrations) {
    TOMBOLO_CHECK(migration.version == ++expected, "migrations are numbered 1, 2, 3, ...");
  }
}

}  // namespace

Result<MigrationResult> migrate(Connection& connection, const Schema& schema) {
  check_schema(schema);
  const Result<FileState> state = read_snapshot(connection);
  if (!state) return fail(state);
  if (auto ours = check_ours(connection, schema, *state); !ours) return fail(ours);
  MigrationResult result{state->version, state->version};
  if (result.to < schema.latest() && connection.read_only()) {
    return fail(ErrorCode::unsupported,
                "\"" + connection.path() + "\" has version " + std::to_string(result.to) +
                    " and needs " + std::to_string(schema.latest()) +
                    ": open it once for writing, so that it can be brought up to date");
  }
  while (result.to < schema.latest()) {
    auto version = migrate_one(connection, schema);
    if (!version) return fail(version);
    result.to = *version;
  }
  return result;
}

}  // namespace tombolo::store
