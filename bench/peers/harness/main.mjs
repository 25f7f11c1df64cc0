// usage: node main.mjs [--peers a,b] [--sizes 1000,10000,100000] [--rounds 3] [--limit SECONDS]
//                      [--json FILE] [--install-errors FOLDER]
//
// Runs the scenario for all peers, round by round, and writes the table. TOMBOLO names our program.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { markdownOf, rowsOf, summaryOf } from "./report.mjs";
import { Scenario } from "./scenario.mjs";

const ALL = ["tombolo", "pouchdb", "rxdb", "replicache", "yjs", "zero"];
const ONCE_ABOVE_MS = 20_000; // what took longer is measured in the first round only

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: ALL.join(",") },
    sizes: { type: "string", default: "1000,10000,100000" },
    rounds: { type: "string", default: "3" },
    writes: { type: "string", default: "200" },
    "offline-writes": { type: "string", default: "1000" },
    clients: { type: "string", default: "5" },
    limit: { type: "string", default: "120" },
    json: { type: "string" },
    "install-errors": { type: "string" },
  },
});
const options = {
  sizes: values.sizes.split(",").map(Number),
  rounds: Number(values.rounds),
  writes: Number(values.writes),
  offline_writes: Number(values["offline-writes"]),
  clients: Number(values.clients),
  limit_ms: Number(values.limit) * 1000,
};
const say = (text) => process.stderr.write(`${text}\n`);

// A peer with its versions, or with the error that keeps it from being measured.
async function peerOf(name) {
  const file = join(values["install-errors"] ?? "", name);
  if (values["install-errors"] && existsSync(file)) {
    return {
      name,
      title: name,
      error: `its packages did not install: ${readFileSync(file, "utf8").trim()}`,
    };
  }
  const peer = (await import(`../${name}/peer.mjs`)).default;
  try {
    return { peer, ...peer, versions: peer.versions(), rounds: [] };
  } catch (error) {
    return { name, title: peer.title, error: String(error.message) };
  }
}

// Whether a row is left out in this round: it took long in the first one, or is measured only there.
const wasSlow = (entry) => (row) => {
  const [first] = entry.rounds;
  if (!first) return false;
  if (row === "server_loaded") return true;
  const size = Number(row.match(/^first_sync_(\d+)$/)?.[1]);
  const costs = [first[row], first[`load_${size}`]];
  return costs.some((cost) => cost?.failed || cost > ONCE_ABOVE_MS);
};

async function runRound(entry, round) {
  const folder = mkdtempSync(join(tmpdir(), `tombolo-peers-`));
  const log = (text) => say(`  ${entry.name} ${round + 1}: ${text}`);
  try {
    const scenario = new Scenario(entry.peer, { folder, options, log });
    const results = await scenario.run(wasSlow(entry));
    if (results.start && round === 0)
      entry.error = `its server did not start: ${results.start.failed}`;
    entry.rounds.push(results);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const entries = [];
for (const name of values.peers.split(",")) entries.push(await peerOf(name));
const began = performance.now();
for (let round = 0; round < options.rounds; round++) {
  const turn = [
    ...entries.slice(round % entries.length),
    ...entries.slice(0, round % entries.length),
  ];
  for (const entry of turn.filter(({ error }) => !error)) await runRound(entry, round);
}

const rows = rowsOf(options);
const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cores: availableParallelism(), memory_bytes: totalmem(), node: process.version },
  seconds: Math.round((performance.now() - began) / 1000),
  options,
  peers: entries.map(({ peer, startServer, makeClient, ...entry }) => ({
    ...entry,
    summary: entry.error ? undefined : summaryOf(entry.rounds, rows),
  })),
};
process.stdout.write(markdownOf(report));
if (values.json) writeFileSync(values.json, JSON.stringify(report, null, 2) + "\n");
say(`${report.seconds} s on ${report.machine.cores} cores`);
process.exit(0);
