// Child processes: starting them, stopping them, and what memory they hold (Linux).
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:net";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const KEPT_OUTPUT = 4000; // characters of what a process said, for the message when it fails

// A child process whose last words are known. `ready` (a regular expression) is awaited in what it
// says; without it the process counts as started at once.
export class Child {
  constructor(process) {
    this.process = process;
    this.said = "";
    this.ended = new Promise((resolve) =>
      process.once("exit", (code, signal) => resolve(signal ?? code))
    );
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on("data", (text) => {
        this.said = (this.said + text).slice(-KEPT_OUTPUT);
      });
    }
  }

  get pid() {
    return this.process.pid;
  }

  async stop(signal = "SIGTERM") {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

export function start(program, words, { ready, ...options } = {}) {
  const process = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const child = new Child(process);
  return new Promise((resolve, reject) => {
    const give_up = setTimeout(() => {
      child.stop("SIGKILL");
      reject(new Error(`${program} ${words.join(" ")} did not start:\n${child.said}`));
    }, START_TIMEOUT_MS);
    const done = (settle, value) => {
      clearTimeout(give_up);
      settle(value);
    };
    const look = () => {
      const found = child.said.match(ready);
      if (!found) return;
      child.found = found;
      process.stdout.off("data", look);
      process.stderr.off("data", look);
      done(resolve, child);
    };
    process.once("error", (error) => done(reject, error));
    process.once("exit", (code, signal) =>
      done(
        reject,
        new Error(`${program} ${words.join(" ")} ended (${signal ?? code}):\n${child.said}`)
      )
    );
    if (!ready) return done(resolve, child);
    process.stdout.on("data", look);
    process.stderr.on("data", look);
  });
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The processes with all that they started.
function treeOf(roots) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // it ended meanwhile
    }
  }
  const found = new Set();
  const waiting = [...roots];
  while (waiting.length > 0) {
    const pid = waiting.pop();
    if (found.has(pid)) continue;
    found.add(pid);
    waiting.push(...(children.get(pid) ?? []));
  }
  return [...found];
}

// Of the process trees, in bytes. `rss_bytes` counts a page once for each process that maps it,
// `pss_bytes` counts it once in all.
export function memoryOf(roots) {
  const sum = { rss_bytes: 0, pss_bytes: 0, processes: 0 };
  for (const pid of treeOf(roots)) {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      sum.rss_bytes += Number(text.match(/^Rss:\s+(\d+) kB/m)[1]) * 1024;
      sum.pss_bytes += Number(text.match(/^Pss:\s+(\d+) kB/m)[1]) * 1024;
      sum.processes++;
    } catch {
      // it ended meanwhile
    }
  }
  return sum;
}
