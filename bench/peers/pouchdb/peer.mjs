// PouchDB with PouchDB Server, both on LevelDB.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { PeerClient } from "../harness/client.mjs";
import { beside, versionsOf } from "../harness/packages.mjs";
import { freePort, start } from "../harness/processes.mjs";

const DATABASE = "todos";
const DOCUMENTS_OF_A_REQUEST = 1000;

export default {
  name: "pouchdb",
  title: "PouchDB",
  client_store: "LevelDB (writes not synced to disk)",
  server_store: "LevelDB (writes not synced to disk)",
  transport: "HTTP, long poll",
  durable: { client: "process crash only", server: "process crash only" },
  notes: ["Live sync with batch_size 1000 (its default is 100)."],

  versions: () => versionsOf(import.meta.url, ["pouchdb", "pouchdb-server"]),

  async startServer({ folder }) {
    const port = await freePort();
    const data = join(folder, "server");
    mkdirSync(data, { recursive: true });
    const words = [beside(import.meta.url, "node_modules/pouchdb-server/bin/pouchdb-server")];
    words.push("--port", String(port), "--dir", data, "--config", join(folder, "config.json"));
    words.push("--no-stdout-logs");
    const child = await start(process.execPath, words, { cwd: folder });
    const root = `http://127.0.0.1:${port}`;
    await answering(root, child);
    const url = `${root}/${DATABASE}`;
    await post(url, "PUT");
    return {
      url,
      pids: [child.pid],
      async load(records) {
        for (let i = 0; i < records.length; i += DOCUMENTS_OF_A_REQUEST) {
          const docs = records
            .slice(i, i + DOCUMENTS_OF_A_REQUEST)
            .map(({ id, ...fields }) => ({ _id: id, ...fields }));
          await post(`${url}/_bulk_docs`, "POST", { docs });
        }
      },
      stop: () => child.stop(),
    };
  },

  makeClient: ({ server, folder, name }) =>
    new PeerClient(beside(import.meta.url, "client.mjs"), {
      server: { url: server.url },
      folder,
      name,
    }),
};

async function answering(root, child) {
  for (let i = 0; i < 600; i++) {
    try {
      if ((await fetch(root)).ok) return;
    } catch {
      // not yet
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`pouchdb-server does not answer: ${child.said}`);
}

async function post(url, method, body) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
}
