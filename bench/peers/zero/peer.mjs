// Zero: zero-cache between the clients and PostgreSQL, and a server for the application's writes.
import { join } from "node:path";

import { PeerClient } from "../harness/client.mjs";
import { beside, versionsOf } from "../harness/packages.mjs";
import { freePort, start } from "../harness/processes.mjs";
import { postgresVersion, startPostgres } from "./postgres.mjs";

const RECORDS_OF_A_STATEMENT = 5000;
const POLL_MS = 20;

export default {
  name: "zero",
  title: "Zero",
  client_store: "memory (its IndexedDB store needs a browser)",
  server_store:
    "PostgreSQL, acknowledged after the sync to disk; zero-cache's SQLite replica behind it",
  transport: "WebSocket",
  durable: { client: false, server: true },
  notes: [
    "Zero does not support offline writes; what was measured is its queue during interruptions of less than a minute.",
  ],

  versions: () => ({
    ...versionsOf(import.meta.url, ["@rocicorp/zero"]),
    postgresql: postgresVersion(),
  }),

  async startServer({ folder }) {
    const { default: pg } = await import("pg");
    const { INDEX, TABLE } = await import("./schema.mjs");
    const children = [];
    const stop = async () => {
      for (const child of children.reverse()) await child.stop("SIGINT");
    };
    let database;
    try {
      const postgres = await startPostgres(folder);
      children.push(postgres.child);
      database = new pg.Client({ connectionString: postgres.url });
      database.on("error", () => {}); // PostgreSQL ends before it
      await database.connect();
      await database.query(TABLE);
      await database.query(INDEX);
      const application = await start(
        process.execPath,
        [beside(import.meta.url, "server.mjs"), postgres.url],
        {
          ready: /listening on (\d+)/,
        }
      );
      children.push(application);
      const port = await freePort();
      const cache = await startCache({ folder, port, postgres, application });
      children.push(cache);
      return {
        url: `http://127.0.0.1:${port}`,
        pids: children.map(({ pid }) => pid),
        load: (records) => load(database, records),
        async stop() {
          await database.end();
          await stop();
        },
      };
    } catch (error) {
      await stop();
      throw error;
    }
  },

  makeClient: ({ server, folder, name }) =>
    new PeerClient(beside(import.meta.url, "client.mjs"), {
      server: { url: server.url },
      folder,
      name,
    }),
};

async function startCache({ folder, port, postgres, application }) {
  const api = `http://127.0.0.1:${application.found[1]}`;
  const program = beside(import.meta.url, "node_modules/@rocicorp/zero/out/zero/src/cli.js");
  const child = await start(process.execPath, [program], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: "production",
      DO_NOT_TRACK: "1",
      ZERO_ENABLE_TELEMETRY: "false",
      ZERO_LOG_LEVEL: "error",
      ZERO_ADMIN_PASSWORD: "bench",
      ZERO_PORT: String(port),
      ZERO_CHANGE_STREAMER_PORT: String(await freePort()),
      ZERO_UPSTREAM_DB: postgres.url,
      ZERO_REPLICA_FILE: join(folder, "replica.db"),
      ZERO_QUERY_URL: `${api}/query`,
      ZERO_MUTATE_URL: `${api}/mutate`,
    },
  });
  for (let i = 0; i < 60_000 / POLL_MS; i++) {
    if (child.process.exitCode !== null) break;
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer?.ok) return child;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await child.stop();
  throw new Error(`zero-cache did not start: ${child.said}`);
}

// Until zero-cache has confirmed what was written.
async function load(database, records) {
  for (let i = 0; i < records.length; i += RECORDS_OF_A_STATEMENT) {
    const part = JSON.stringify(records.slice(i, i + RECORDS_OF_A_STATEMENT));
    await database.query("INSERT INTO todo SELECT * FROM json_populate_recordset(NULL::todo, $1)", [
      part,
    ]);
  }
  const { rows } = await database.query("SELECT pg_current_wal_lsn() AS target");
  for (;;) {
    const answer = await database.query(
      "SELECT coalesce(bool_and(confirmed_flush_lsn >= $1::pg_lsn), false) AS there FROM pg_replication_slots",
      [rows[0].target]
    );
    if (answer.rows[0].there) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
