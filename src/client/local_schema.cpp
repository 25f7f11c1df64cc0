#include "client/local_schema.h"

#include <array>

namespace tombolo::client {
namespace {

constexpr std::int32_t kApplicationId = 0x546d626c;  // "Tmbl"

constexpr std::string_view kVersion1 = R"sql(
-- What this replica is and where its clock and counters stand; one row. `revision` numbers the
-- write transactions; `catalog` changes with the collections and remotes, for caches; `position` is
-- the last one given to an operation: none is given twice, though operations can go.
CREATE TABLE state(
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  node_key INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  logical INTEGER NOT NULL,
  sequence_number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  catalog INTEGER NOT NULL,
  position INTEGER NOT NULL
);

-- Authors of operations, and the version vector: the highest sequence number seen of each.
CREATE TABLE nodes(
  node_key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  seen INTEGER NOT NULL DEFAULT 0
);

-- `fingerprint`: the sum modulo 2^128 of the first 16 bytes of the ids of its operations.
-- `revision`: the last write transaction that changed one of its records.
CREATE TABLE collections(
  collection_key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  schema TEXT,
  remote_key INTEGER,
  fingerprint BLOB NOT NULL,
  revision INTEGER NOT NULL
);

CREATE TABLE indexes(
  index_key INTEGER PRIMARY KEY,
  collection_key INTEGER NOT NULL,
  fields TEXT NOT NULL,
  UNIQUE(collection_key, fields)
);

-- base_version: of a collection that a request/response remote owns, the tag of the version that
-- the remote is known to have; `base`: that version's fields, after "-" when it is a tombstone, and
-- NULL when they are those of the record itself. The operations in the log are then those that the
-- remote lacks.
CREATE TABLE records(
  record_key INTEGER PRIMARY KEY,
  collection_key INTEGER NOT NULL,
  id NOT NULL,
  data TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  node_key INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  base TEXT,
  base_version TEXT,
  UNIQUE(collection_key, id)
);

CREATE TABLE operations(
  position INTEGER PRIMARY KEY,
  operation_id BLOB NOT NULL,
  record_key INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  node_key INTEGER NOT NULL,
  sequence_number INTEGER NOT NULL,
  body TEXT NOT NULL,
  pending INTEGER NOT NULL
);
CREATE INDEX operations_by_record ON operations(record_key, stamp);
CREATE INDEX operations_pending ON operations(position) WHERE pending != 0;

-- remote_key is the number of the bit in operations.pending, from 1. `collections`: JSON array of
-- names, empty for all.
CREATE TABLE remotes(
  remote_key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  url TEXT NOT NULL,
  collections TEXT NOT NULL,
  last_sync_ms INTEGER
);

-- How far the remote was read. A cursor is the server's number, so it belongs to that server;
-- `scope` names what it counts (a collection, a view).
CREATE TABLE cursors(
  remote_key INTEGER NOT NULL,
  server TEXT NOT NULL,
  scope TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(remote_key, server, scope)
) WITHOUT ROWID;

-- What was sent of a record to the request/response remote of its collection, up to which
-- operation; until an answer tells what became of it.
CREATE TABLE pushes(
  record_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY(record_key, position)
) WITHOUT ROWID;

CREATE TABLE losses(
  loss_key INTEGER PRIMARY KEY AUTOINCREMENT,
  record_key INTEGER NOT NULL,
  field TEXT NOT NULL,
  losing_operation TEXT NOT NULL,
  losing_value TEXT,
  winning_operation TEXT NOT NULL,
  winning_value TEXT,
  rule TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL,
  resolved INTEGER NOT NULL
);
CREATE INDEX losses_by_record ON losses(record_key);
CREATE INDEX losses_open ON losses(loss_key) WHERE resolved = 0;

-- What a remote refused; the operation is not pending for it.
CREATE TABLE dead_letters(
  letter_key INTEGER PRIMARY KEY AUTOINCREMENT,
  remote_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  refused_ms INTEGER NOT NULL,
  UNIQUE(remote_key, position)
);

-- What a server sent and could not be applied here, as it came. `operation_id` is empty when even
-- that could not be read.
CREATE TABLE unreadable_operations(
  unreadable_key INTEGER PRIMARY KEY AUTOINCREMENT,
  remote_key INTEGER NOT NULL,
  server TEXT NOT NULL,
  operation_id TEXT NOT NULL,
  body TEXT NOT NULL,
  reason TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL
);
CREATE INDEX unreadable_by_server ON unreadable_operations(remote_key, server, operation_id);

-- What the query planner is to believe: that one collection has a small part of the records, so
-- that an index on a field, where there is one, beats the index that only finds the collection, and
-- that one beats reading all.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1(tbl, idx, stat)
  VALUES ('records', 'sqlite_autoindex_records_1', '10000000 10000 1');
)sql";

constexpr std::array<store::Migration, 1> kMigrations{
    {{.version = 1, .name = "create the tables", .sql = kVersion1}}};

}  // namespace

const store::Schema& local_schema() {
  static const store::Schema schema{.what = "Tombolo client database",
                                    .application_id = kApplicationId,
                                    .migrations = kMigrations};
  return schema;
}

}  // namespace tombolo::client
