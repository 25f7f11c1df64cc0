// Yjs with y-websocket and its server, which keeps documents in LevelDB.
import { join } from "node:path";

import { PeerClient } from "../harness/client.mjs";
import { beside, versionsOf } from "../harness/packages.mjs";
import { freePort, start } from "../harness/processes.mjs";

export default {
  name: "yjs",
  title: "Yjs",
  client_store: "memory (its IndexedDB store needs a browser)",
  server_store: "memory, then LevelDB after the relay (writes not synced to disk)",
  transport: "WebSocket",
  durable: { client: false, server: "process crash only, after a moment" },
  notes: [
    "One document with a Y.Map of plain objects, the fastest form: of two people who change one record at once, one loses the whole change.",
    "The server acknowledges nothing: its replay ends when the second client has everything.",
  ],

  versions: () =>
    versionsOf(import.meta.url, ["yjs", "y-websocket", "@y/websocket-server", "y-leveldb"]),

  async startServer({ folder }) {
    const port = await freePort();
    const program = beside(import.meta.url, "node_modules/@y/websocket-server/src/server.js");
    const child = await start(process.execPath, [program], {
      ready: /running at/,
      env: {
        ...process.env,
        HOST: "127.0.0.1",
        PORT: String(port),
        YPERSISTENCE: join(folder, "server"),
      },
    });
    const url = `ws://127.0.0.1:${port}`;
    const clientOf = ({ folder, name }) =>
      new PeerClient(beside(import.meta.url, "client.mjs"), { server: { url }, folder, name });
    let kept; // the server forgets a document that nobody has open, and reads it again from LevelDB
    return {
      url,
      clientOf,
      pids: [child.pid],
      async load(records) {
        kept ??= clientOf({ folder, name: "loader" });
        await kept.open();
        await kept.createTogether(records);
        await kept.goOnline();
        await kept.acknowledged();
      },
      async stop() {
        await kept?.close();
        await child.stop();
      },
    };
  },

  makeClient: ({ server, folder, name }) => server.clientOf({ folder, name }),
};
