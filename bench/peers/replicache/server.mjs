// The server side of Replicache: its push and pull requests, by a global version, and a poke to all
// clients after each push.
import { WebSocketServer } from "ws";

import { inTransaction, openDatabase } from "../harness/durable_database.mjs";
import { serveJson } from "../harness/json_server.mjs";

const database = openDatabase(
  process.argv[2],
  `CREATE TABLE entries (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL);
   CREATE INDEX by_version ON entries (version);
   CREATE TABLE clients (id TEXT PRIMARY KEY, client_group TEXT NOT NULL,
     last_mutation INTEGER NOT NULL, version INTEGER NOT NULL);`
);
const changed = database.prepare("SELECT key, value FROM entries WHERE version > ?");
const get = database.prepare("SELECT value FROM entries WHERE key = ?");
const put = database.prepare(
  "INSERT INTO entries VALUES (?, ?, ?) " +
    "ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value"
);
const lastMutation = database.prepare("SELECT last_mutation FROM clients WHERE id = ?");
const putClient = database.prepare(
  "INSERT INTO clients VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET " +
    "last_mutation = excluded.last_mutation, version = excluded.version"
);
const changedClients = database.prepare(
  "SELECT id, last_mutation FROM clients WHERE client_group = ? AND version > ?"
);
let version = 0;

const keyOf = (id) => `todo/${id}`;
const mutators = {
  create: (record) => put.run(keyOf(record.id), version, JSON.stringify(record)),
  change({ id, ...fields }) {
    const record = JSON.parse(get.get(keyOf(id)).value);
    put.run(keyOf(id), version, JSON.stringify({ ...record, ...fields }));
  },
};

function push({ clientGroupID, mutations }) {
  inTransaction(database, () => {
    version++;
    const last = new Map();
    for (const { clientID, id, name, args } of mutations) {
      const done = last.get(clientID) ?? lastMutation.get(clientID)?.last_mutation ?? 0;
      if (id <= done) continue;
      mutators[name](args);
      last.set(clientID, id);
    }
    for (const [client, id] of last) putClient.run(client, clientGroupID, id, version);
  });
  tell("poke");
}

function pull({ clientGroupID, cookie }) {
  const since = cookie ?? 0;
  const patch = changed
    .all(since)
    .map(({ key, value }) => ({ op: "put", key, value: JSON.parse(value) }));
  if (cookie === null) patch.unshift({ op: "clear" });
  const changes = changedClients.all(clientGroupID, since);
  return {
    cookie: version,
    lastMutationIDChanges: Object.fromEntries(changes.map((row) => [row.id, row.last_mutation])),
    patch,
  };
}

function load(records) {
  inTransaction(database, () => {
    version++;
    for (const record of records) mutators.create(record);
  });
  tell("poke");
}

const tell = await serveJson({ "/pull": pull, "/push": push, "/load": load }, WebSocketServer);
