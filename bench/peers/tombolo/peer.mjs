// Tombolo: `tombolo serve`, and `tombolo shell --json` as the client.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { LineProcess } from "../harness/lines.mjs";
import { start } from "../harness/processes.mjs";
import { FIRST_MARK } from "../harness/records.mjs";
import { Waiters } from "../harness/waiters.mjs";

const COLLECTION = "todos";
const RECORDS_OF_A_TRANSACTION = 500;
const FOREVER_MS = 600_000; // the scenario has its own limits

function program() {
  if (!process.env.TOMBOLO) throw new Error("TOMBOLO must name the tombolo program");
  return process.env.TOMBOLO;
}

export default {
  name: "tombolo",
  title: "Tombolo",
  client_store:
    "SQLite: every write synced to disk (synchronous=FULL), received pages without waiting (they can come again)",
  server_store: "SQLite, acknowledged after the sync to disk (synchronous=FULL)",
  transport: "WebSocket",
  durable: { client: true, server: true },
  notes: [],

  versions() {
    return {
      tombolo: execFileSync(program(), ["--version"], { encoding: "utf8" }).trim().split(" ").pop(),
    };
  },

  async startServer({ folder }) {
    const words = [
      "serve",
      "--port",
      "0",
      "--database",
      join(folder, "server.db"),
      "--log-level",
      "info",
    ];
    words.push("--set", "log.requests=false");
    const child = await start(program(), words, { ready: /127\.0\.0\.1:(\d+)/ });
    const url = `ws://127.0.0.1:${child.found[1]}/v1/buckets/main/stream`;
    return {
      url,
      pids: [child.pid],
      // As another device would.
      async load(records) {
        const loader = new TomboloClient({
          server: { url },
          folder,
          name: `loader-${records[0].id}`,
        });
        try {
          await loader.open();
          await loader.createTogether(records);
          await loader.goOnline();
          await loader.acknowledged();
        } finally {
          await loader.close();
        }
      },
      stop: () => child.stop(),
    };
  },

  makeClient: (options) => new TomboloClient(options),
};

class TomboloClient {
  constructor({ server, folder, name }) {
    this.url = server.url;
    this.file = join(folder, `${name}.db`);
    this.waiters = new Waiters();
    this.shell = new LineProcess(program(), ["shell", "--json", "--db", this.file], {
      on_event: (event) => this.#happened(event),
      failure: (answer) => !answer.ok && new Error(`${answer.error.code}: ${answer.error.message}`),
    });
  }

  get pid() {
    return this.shell.pid;
  }

  // Everything that the scenario will look for has an order from FIRST_MARK on. A live query is
  // asked again after each change; hence the index.
  async open() {
    await this.#ask("status"); // the database is there
    execFileSync(program(), ["index", COLLECTION, "order", "--db", this.file], { stdio: "ignore" });
    await this.#ask("subscribe", {
      subscription: "marked",
      collection: COLLECTION,
      where: [`order>=${FIRST_MARK}`],
    });
  }
  async goOnline() {
    const { name } = await this.#ask("connect", { url: this.url });
    this.remote = name;
  }
  goOffline() {
    return this.#ask("disconnect", { remote: this.remote });
  }
  create(records) {
    return Promise.all(
      records.map((record) => this.#ask("create", { collection: COLLECTION, record }))
    );
  }
  async createTogether(records) {
    for (let i = 0; i < records.length; i += RECORDS_OF_A_TRANSACTION) {
      const steps = records
        .slice(i, i + RECORDS_OF_A_TRANSACTION)
        .map((record) => ({ command: "create", collection: COLLECTION, record }));
      await this.#ask("transaction", { steps });
    }
  }
  change(edits) {
    return Promise.all(
      edits.map(({ id, ...fields }) =>
        this.#ask("patch", { collection: COLLECTION, record_id: id, fields })
      )
    );
  }
  acknowledged() {
    return this.#ask("wait", { remote: this.remote, timeout_ms: FOREVER_MS });
  }
  async waitCount(count) {
    await this.acknowledged();
    const answer = await this.#ask("query", { collection: COLLECTION, count: true });
    if (answer.count < count) throw new Error(`synced with ${answer.count} of ${count} records`);
  }
  async expect(marks) {
    return { arrived: this.waiters.whenSeen(marks) };
  }
  close() {
    return this.shell.stop("SIGKILL");
  }

  #ask(command, members) {
    return this.shell.request({ command, ...members });
  }

  #happened(event) {
    if (event.event !== "query") return;
    for (const { id, order } of [...event.entered, ...event.changed]) this.waiters.seen(id, order);
  }
}
