#include "server/storage/sqlite_schema.h"

namespace tombolo::server {

namespace {

constexpr std::string_view kFirst = R"sql(
-- One row: who the server is, its hybrid clock, and a number that grows with every change to the
-- permissions or the existence of a bucket, group or collection.
CREATE TABLE server_state(
  only INTEGER PRIMARY KEY CHECK (only = 1),
  node TEXT NOT NULL,
  secret TEXT NOT NULL,
  clock_wall_ms INTEGER NOT NULL,
  clock_logical INTEGER NOT NULL,
  permissions_generation INTEGER NOT NULL
);
CREATE TABLE lists(
  list_key INTEGER PRIMARY KEY,
  uri TEXT NOT NULL UNIQUE,
  last_modified INTEGER NOT NULL  -- 0: untouched
);
CREATE TABLE permission_sets(
  permissions_key INTEGER PRIMARY KEY,
  permissions TEXT NOT NULL UNIQUE
);
CREATE TABLE nodes(
  node_key INTEGER PRIMARY KEY,
  node TEXT NOT NULL UNIQUE
);
-- state 0: alive; 1: tombstone; 2: purged record, the anchor of its operations.
CREATE TABLE objects(
  object_key INTEGER PRIMARY KEY,
  list_key INTEGER NOT NULL,
  id NOT NULL,                    -- 16 bytes when it is a canonical UUID, text otherwise
  last_modified INTEGER NOT NULL,
  state INTEGER NOT NULL,
  permissions_key INTEGER NOT NULL,
  version_stamp INTEGER,          -- of a record: wall_ms and counter of its newest operation
  version_node INTEGER,
  data TEXT,
  UNIQUE (list_key, id)
);
CREATE INDEX objects_by_time ON objects(list_key, last_modified) WHERE state < 2;
CREATE TABLE operations(
  position INTEGER PRIMARY KEY,
  object_key INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  operation_id BLOB NOT NULL,
  node_key INTEGER NOT NULL,
  sequence_number INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX operations_by_record ON operations(object_key, stamp);
CREATE TABLE bucket_logs(
  bucket_key INTEGER PRIMARY KEY,
  bucket TEXT NOT NULL UNIQUE,
  delivery_sequence INTEGER NOT NULL,
  fingerprint BLOB NOT NULL
);
CREATE TABLE version_vectors(
  bucket_key INTEGER NOT NULL,
  node_key INTEGER NOT NULL,
  sequence_number INTEGER NOT NULL,
  PRIMARY KEY (bucket_key, node_key)
) WITHOUT ROWID;
)sql";

constexpr std::string_view kFormerLives = R"sql(
-- What an object was up to a position of its bucket's log, and who could read it then.
CREATE TABLE former_lives(
  object_key INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  permissions_key INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,      -- of the bucket's log up to there
  PRIMARY KEY (object_key, last_sequence)
) WITHOUT ROWID;
-- The number of the server's own newest operation.
ALTER TABLE bucket_logs ADD COLUMN own_sequence_number INTEGER NOT NULL DEFAULT 0;
UPDATE bucket_logs SET own_sequence_number = coalesce(
  (SELECT sequence_number FROM version_vectors AS v
   WHERE v.bucket_key = bucket_logs.bucket_key AND v.node_key =
     (SELECT node_key FROM nodes WHERE node = (SELECT node FROM server_state))), 0);
-- Who writes under a node; empty: nobody said so yet.
ALTER TABLE version_vectors ADD COLUMN principal TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::string_view kTimelines = R"sql(
-- In which of its lives the server wrote what is in a bucket's log: from first_sequence to the next
-- row's. A copy that is restored has other rows from there on than its clients knew.
CREATE TABLE log_timelines(
  bucket_key INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  timeline TEXT NOT NULL,
  PRIMARY KEY (bucket_key, first_sequence),
  UNIQUE (bucket_key, timeline)
) WITHOUT ROWID;
)sql";

constexpr store::Migration kMigrations[] = {
    {.version = 1, .name = "objects and operations", .sql = kFirst},
    {.version = 2, .name = "former lives and authors", .sql = kFormerLives},
    {.version = 3, .name = "timelines", .sql = kTimelines},
};

}  // namespace

const store::Schema& server_schema() {
  // "Tmbs" in ASCII.
  static const store::Schema kSchema{
      .what = "Tombolo server database", .application_id = 0x546d6273, .migrations = kMigrations};
  return kSchema;
}

}  // namespace tombolo::server
