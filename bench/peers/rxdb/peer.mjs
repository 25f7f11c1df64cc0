// RxDB, replicated over HTTP with a small server (server.mjs) as its documentation describes one.
import { join } from "node:path";

import { PeerClient } from "../harness/client.mjs";
import { beside, versionsOf } from "../harness/packages.mjs";
import { start } from "../harness/processes.mjs";

export default {
  name: "rxdb",
  title: "RxDB",
  client_store:
    "memory (its free stores for Node.js are this one and a SQLite trial for 500 records)",
  server_store: "SQLite, acknowledged after the sync to disk (a server of ours)",
  transport: "HTTP, WebSocket for the stream of changes",
  durable: { client: false, server: true },
  notes: ["Pull batches of 1000, push batches of 500."],

  versions: () => versionsOf(import.meta.url, ["rxdb", "rxjs"]),

  async startServer({ folder }) {
    const words = [
      "--no-warnings",
      beside(import.meta.url, "server.mjs"),
      join(folder, "server.db"),
    ];
    const child = await start(process.execPath, words, { ready: /listening on (\d+)/ });
    const url = `http://127.0.0.1:${child.found[1]}`;
    return {
      url,
      pids: [child.pid],
      async load(records) {
        const answer = await fetch(`${url}/load`, {
          method: "POST",
          body: JSON.stringify(records),
        });
        if (!answer.ok) throw new Error(await answer.text());
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
