// Replicache with a small server (server.mjs) of its push and pull protocol.
import { join } from "node:path";

import { PeerClient } from "../harness/client.mjs";
import { beside, versionsOf } from "../harness/packages.mjs";
import { start } from "../harness/processes.mjs";

export default {
  name: "replicache",
  title: "Replicache",
  client_store: "memory (its IndexedDB store needs a browser)",
  server_store: "SQLite, acknowledged after the sync to disk (a server of ours)",
  transport: "HTTP, WebSocket for the poke",
  durable: { client: false, server: true },
  notes: [
    "pushDelay 0 and minDelayMs 1 (its defaults are 10 and 30 ms); the server takes a push in one transaction and answers pulls by its global version.",
  ],

  versions: () => versionsOf(import.meta.url, ["replicache"]),

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
