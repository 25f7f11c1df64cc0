// The harness itself: its parts, that every program of it can be read, and a small run of
// Tombolo's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import tombolo from "../tombolo/peer.mjs";
import { memoryOf } from "./processes.mjs";
import { idOf, recordOf } from "./records.mjs";
import { markdownOf, medianOf, rowsOf, summaryOf } from "./report.mjs";
import { Scenario } from "./scenario.mjs";
import { Waiters } from "./waiters.mjs";

const peers = dirname(dirname(fileURLToPath(import.meta.url)));

test("every program can be read", () => {
  for (const folder of readdirSync(peers, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory()
  )) {
    for (const file of readdirSync(join(peers, folder.name)).filter((name) =>
      name.endsWith(".mjs")
    )) {
      execFileSync(process.execPath, ["--check", join(peers, folder.name, file)]);
    }
  }
});

test("records have ids of their own and about 200 bytes", () => {
  assert.equal(new Set(Array.from({ length: 20_000 }, (_, i) => idOf(i))).size, 20_000);
  assert.match(idOf(7), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  const sizes = Array.from({ length: 100 }, (_, i) => JSON.stringify(recordOf(i)).length);
  const mean = sizes.reduce((a, b) => a + b) / sizes.length;
  assert.ok(mean > 180 && mean < 260, `${mean} bytes`);
});

test("who waits for records hears of the awaited order only, and once all are there", async () => {
  const waiters = new Waiters();
  let is_done = false;
  const all = waiters
    .whenSeen([
      { id: "a", order: 1 },
      { id: "b", order: 2 },
    ])
    .then(() => (is_done = true));
  waiters.seen("a", 0);
  waiters.seen("b", 2);
  waiters.seen("b", 2);
  await Promise.resolve();
  assert.equal(is_done, false);
  waiters.seen("a", 1);
  await all;
});

test("a process tree holds memory", () => {
  const { rss_bytes, pss_bytes, processes } = memoryOf([process.pid]);
  assert.ok(processes >= 1 && rss_bytes >= pss_bytes && pss_bytes > 0);
});

test("the table has medians with their spread, and says what failed and why", () => {
  assert.equal(medianOf([3, 1, 2]), 2);
  assert.equal(medianOf([4, 1]), 2.5);
  const options = { sizes: [10], writes: 1, offline_writes: 1, clients: 1 };
  const rounds = [
    { first_sync_10: 20, replay: { failed: "it stood still" } },
    { first_sync_10: 30 },
  ];
  const table = markdownOf({
    options,
    peers: [
      { ...tombolo, versions: { tombolo: "1" }, summary: summaryOf(rounds, rowsOf(options)) },
    ],
  });
  assert.match(table, /25\.0 ms \(20\.0 ms\.\.30\.0 ms\)/);
  assert.match(table, /failed \[\d\]/);
  assert.match(table, /it stood still/);
});

test(
  "Tombolo runs the scenario",
  { skip: !process.env.TOMBOLO && "TOMBOLO names no program" },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tombolo-peers-"));
    const options = {
      sizes: [100],
      writes: 10,
      offline_writes: 20,
      clients: 2,
      limit_ms: 60_000,
      pause_ms: 0,
    };
    try {
      const results = await new Scenario(tombolo, { folder, options }).run();
      for (const [row] of rowsOf(options)) {
        assert.equal(typeof results[row], "number", `${row}: ${JSON.stringify(results[row])}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
);
