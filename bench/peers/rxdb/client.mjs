// An RxDB collection in memory, replicated live.
import { createRxDatabase } from "rxdb";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { Subject } from "rxjs";

import { serve } from "../harness/worker.mjs";

const text = { type: "string" };
const number = { type: "number" };
const SCHEMA = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 36 },
    title: text,
    done: { type: "boolean" },
    order: number,
    notes: text,
    created_at: number,
    updated_at: number,
  },
  required: ["id", "title"],
};

async function ask(url, body) {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

serve(({ seen, counted }) => {
  let url;
  let todos;
  let replication;
  let socket;
  const ids = new Set();
  const stream = new Subject();

  // Resolved when the stream is open.
  function listen() {
    socket = new WebSocket(url.replace("http:", "ws:"));
    socket.onmessage = ({ data }) => stream.next(JSON.parse(data));
    return new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
  }

  function replicate() {
    replication = replicateRxCollection({
      collection: todos,
      replicationIdentifier: url,
      live: true,
      waitForLeadership: false,
      pull: {
        batchSize: 1000,
        handler: (checkpoint, limit) => ask(`${url}/pull`, { checkpoint, limit }),
        stream$: stream.asObservable(),
      },
      push: { batchSize: 500, handler: (rows) => ask(`${url}/push`, rows) },
    });
    replication.error$.subscribe((error) => console.error(error));
  }

  return {
    async open({ server, name }) {
      url = server.url;
      const database = await createRxDatabase({
        name,
        storage: getRxStorageMemory(),
        multiInstance: false,
        eventReduce: true,
      });
      ({ todos } = await database.addCollections({ todos: { schema: SCHEMA } }));
      todos.eventBulks$.subscribe(({ events }) => {
        for (const { documentId, documentData } of events) {
          ids.add(documentId);
          seen(documentId, documentData.order);
        }
        counted(ids.size);
      });
    },
    async goOnline() {
      await listen();
      if (!replication) return replicate();
      await replication.start();
      stream.next("RESYNC");
    },
    async goOffline() {
      await replication.pause();
      socket.close();
    },
    create: (record) => todos.insert(record),
    async change({ id, ...fields }) {
      const document = await todos.findOne(id).exec();
      await document.incrementalPatch(fields);
    },
    acknowledged: () => replication.awaitInSync(),
  };
});
