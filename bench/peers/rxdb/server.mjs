// The server side of RxDB's replication: pull after a checkpoint, push with conflicts, and a stream
// of what came. Checkpoints are numbers that the server gives.
import { WebSocketServer } from "ws";

import { inTransaction, openDatabase } from "../harness/durable_database.mjs";
import { serveJson } from "../harness/json_server.mjs";

const database = openDatabase(
  process.argv[2],
  `CREATE TABLE documents (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, value TEXT NOT NULL);
   CREATE UNIQUE INDEX by_sequence ON documents (sequence);`
);
const after = database.prepare(
  "SELECT sequence, value FROM documents WHERE sequence > ? ORDER BY sequence LIMIT ?"
);
const get = database.prepare("SELECT value FROM documents WHERE id = ?");
const put = database.prepare(
  "INSERT INTO documents VALUES (?, ?, ?) " +
    "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, value = excluded.value"
);
let sequence = 0;

const same = (stored, assumed) =>
  stored.order === assumed.order && stored.updated_at === assumed.updated_at;

function pull({ checkpoint, limit }) {
  const rows = after.all(checkpoint?.sequence ?? 0, limit);
  return {
    documents: rows.map(({ value }) => JSON.parse(value)),
    checkpoint: rows.length > 0 ? { sequence: rows.at(-1).sequence } : checkpoint,
  };
}

function push(rows) {
  const conflicts = [];
  const written = [];
  inTransaction(database, () => {
    for (const { newDocumentState, assumedMasterState } of rows) {
      const row = get.get(newDocumentState.id);
      const stored = row && JSON.parse(row.value);
      if (stored && !(assumedMasterState && same(stored, assumedMasterState))) {
        conflicts.push(stored);
        continue;
      }
      put.run(newDocumentState.id, ++sequence, JSON.stringify(newDocumentState));
      written.push(newDocumentState);
    }
  });
  if (written.length > 0) tell(JSON.stringify({ documents: written, checkpoint: { sequence } }));
  return conflicts;
}

function load(records) {
  inTransaction(database, () => {
    for (const record of records) {
      put.run(record.id, ++sequence, JSON.stringify({ ...record, _deleted: false }));
    }
  });
  if (records.length > 0) tell(JSON.stringify("RESYNC"));
}

const tell = await serveJson({ "/pull": pull, "/push": push, "/load": load }, WebSocketServer);
