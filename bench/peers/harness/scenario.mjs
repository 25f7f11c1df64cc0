// The scenario: what is measured of one peer in one round, on a server of its own.
//
// Every step has a limit, and says its reason where it fails; what depends on it is left out with
// the same reason.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { memoryOf } from "./processes.mjs";
import { FIRST_MARK, editOf, recordOf, recordsOf } from "./records.mjs";

const WARM_UP_WRITES = 10;
const SETTLE_MS = 2000; // before memory is read

const sleep = (duration_ms) => new Promise((resolve) => setTimeout(resolve, duration_ms));

// The value of `promise`, or an error after the limit.
async function within(limit_ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${limit_ms / 1000} s`)), limit_ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Scenario {
  // `options`: sizes (ascending), writes, offline_writes, clients, limit_ms, pause_ms.
  constructor(peer, { folder, options, log = () => {} }) {
    this.peer = peer;
    this.folder = folder;
    this.options = options;
    this.log = log;
    this.results = {}; // row -> a number, or { failed: reason }
    this.clients = [];
    this.loaded = 0;
    this.made = 0; // clients, each with a store of its own
    this.mark = FIRST_MARK;
  }

  // `skip`: whether a row is left out this time.
  async run(skip = () => false) {
    mkdirSync(this.folder, { recursive: true });
    try {
      this.server = await this.peer.startServer({ folder: this.folder });
    } catch (error) {
      this.results.start = { failed: String(error.message ?? error) };
      return this.results;
    }
    try {
      await sleep(this.options.pause_ms ?? SETTLE_MS);
      this.#memory("server_idle", this.server.pids);
      for (const [index, size] of this.options.sizes.entries()) {
        const row = `first_sync_${size}`;
        if (this.broken) this.results[row] = { failed: this.broken };
        if (this.broken || skip(row)) continue;
        await this.#firstSync(row, size);
        if (index === 0 && !this.broken) await this.#exchange(skip);
      }
      if (this.#isWhole() && !skip("server_loaded")) await this.#loadedMemory();
    } finally {
      await this.#closeClients();
      await this.server.stop();
    }
    return this.results;
  }

  #isWhole() {
    const last = this.options.sizes.at(-1);
    return typeof this.results[`first_sync_${last}`] === "number";
  }

  // Runs `measure`, whose value is the row's; `broken` is why nothing more can be done.
  async #step(row, measure, { limit_ms = this.options.limit_ms } = {}) {
    const began = performance.now();
    try {
      const value = await within(limit_ms, measure());
      this.results[row] = value;
      this.log(`${row}: ${typeof value === "number" ? value.toFixed(1) : JSON.stringify(value)}`);
      return true;
    } catch (error) {
      const reason = String(error.message ?? error)
        .split("\n")
        .slice(0, 3)
        .join(" ")
        .slice(0, 300);
      this.results[row] = { failed: reason, after_ms: performance.now() - began };
      this.log(`${row}: ${reason}`);
      return false;
    }
  }

  async #newClient() {
    const client = this.peer.makeClient({
      server: this.server,
      folder: this.folder,
      name: `client-${this.made++}`,
    });
    this.clients.push(client);
    await client.open();
    return client;
  }

  async #closeClients() {
    await Promise.all(this.clients.map((client) => client.close()));
    this.clients = [];
  }

  // The server has `size` records when this is done; a fresh client gets them all.
  async #firstSync(row, size) {
    const loading = async () => {
      await this.server.load(recordsOf(this.loaded, size));
      this.loaded = size;
      return performance.now() - began;
    };
    const began = performance.now();
    if (!(await this.#step(`load_${size}`, loading, { limit_ms: 2 * this.options.limit_ms }))) {
      this.broken = `${size} records could not be loaded: ${this.results[`load_${size}`].failed}`;
      this.results[row] = { failed: this.broken };
      return;
    }
    const done = await this.#step(row, async () => {
      const client = await this.#newClient();
      const start = performance.now();
      await client.goOnline();
      await client.waitCount(size);
      return performance.now() - start;
    });
    if (done && size === this.options.sizes.at(-1)) {
      this.#memory("client_loaded", [this.clients.at(-1).pid]);
      return; // it stays connected
    }
    if (!done) await this.#closeClients();
  }

  // Two clients on the small server: single writes, then a replay. Both are closed at the end.
  async #exchange(skip) {
    const [writer] = this.clients;
    const reader = await this.#newClient();
    const ready = await this.#step("second_client", async () => {
      await reader.goOnline();
      await reader.waitCount(this.options.sizes[0]);
      return 0;
    });
    if (ready) {
      if (!skip("propagation")) await this.#propagation(writer, reader);
      if (!skip("replay")) await this.#replay(writer, reader);
    }
    delete this.results.second_client;
    await this.#closeClients();
  }

  async #propagation(writer, reader) {
    const times = [];
    const done = await this.#step("propagation", async () => {
      for (let i = -WARM_UP_WRITES; i < this.options.writes; i++) {
        const edit = editOf(Math.abs(i) % this.options.sizes[0], this.mark++);
        const { arrived } = await reader.expect([edit]);
        const start = performance.now();
        const took = arrived.then(() => performance.now() - start);
        await writer.change([edit]);
        if (i >= 0) times.push(await took);
        else await took;
      }
      return times.length;
    });
    if (!done) {
      for (const row of ["propagation_p50", "propagation_p95"])
        this.results[row] = this.results.propagation;
    } else {
      times.sort((a, b) => a - b);
      this.results.propagation_p50 = times[Math.floor(times.length * 0.5)];
      this.results.propagation_p95 = times[Math.floor(times.length * 0.95)];
    }
    delete this.results.propagation;
  }

  // Half of the writes are new records, half are edits of records that are there.
  async #replay(writer, reader) {
    const half = this.options.offline_writes / 2;
    const created = Array.from({ length: half }, (_, i) => recordOf(this.loaded + i, this.mark++));
    const edits = Array.from({ length: half }, (_, i) =>
      editOf(i % this.options.sizes[0], this.mark++)
    );
    await this.#step("offline_writes", async () => {
      await writer.goOffline();
      const start = performance.now();
      await writer.create(created);
      await writer.change(edits);
      return performance.now() - start;
    });
    await this.#step("replay", async () => {
      const last = new Map([...created, ...edits].map(({ id, order }) => [id, { id, order }]));
      const { arrived } = await reader.expect([...last.values()]);
      const start = performance.now();
      await writer.goOnline();
      await Promise.all([arrived, writer.acknowledged()]);
      return performance.now() - start;
    });
    this.loaded += half;
  }

  // The first client at the largest size, and more that come at once.
  async #loadedMemory() {
    const size = this.options.sizes.at(-1);
    const count = this.options.clients - 1;
    await this.#step("clients_together", async () => {
      const fresh = [];
      for (let i = 0; i < count; i++) fresh.push(await this.#newClient());
      const start = performance.now();
      await Promise.all(
        fresh.map(async (client) => {
          await client.goOnline();
          await client.waitCount(size);
        })
      );
      return performance.now() - start;
    });
    await sleep(this.options.pause_ms ?? SETTLE_MS);
    this.#memory("server_loaded", this.server.pids);
  }

  #memory(row, pids) {
    const { rss_bytes, pss_bytes, processes } = memoryOf(pids);
    this.results[`${row}_rss`] = rss_bytes;
    this.results[`${row}_pss`] = pss_bytes;
    const sizes = [rss_bytes, pss_bytes].map((bytes) => (bytes / 2 ** 20).toFixed(0));
    this.log(`${row}: RSS ${sizes[0]} MiB, PSS ${sizes[1]} MiB, ${processes} processes`);
  }
}
