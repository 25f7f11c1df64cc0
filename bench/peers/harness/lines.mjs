// JSON lines over the pipes of a child process: requests with an `id`, answers with the same, and
// lines without one, which are events.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { Child } from "./processes.mjs";

export class LineProcess extends Child {
  // `on_event` gets the lines without id. `failure` makes an Error of an answer, or nothing.
  constructor(program, words, { on_event = () => {}, failure, ...options }) {
    super(spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], ...options }));
    this.next_id = 1;
    this.waiting = new Map();
    this.failure = failure;
    createInterface({ input: this.process.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return; // what a library prints
      const answer = JSON.parse(line);
      if (answer.id === undefined) return on_event(answer);
      this.#settle(answer);
    });
    this.process.stdin.on("error", () => {}); // the exit below says it
    this.process.once("exit", (code, signal) => {
      for (const { reject } of this.waiting.values()) {
        reject(new Error(`${program} ended (${signal ?? code}): ${this.said}`));
      }
      this.waiting.clear();
    });
  }

  request(fields) {
    const id = this.next_id++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.stdin.write(JSON.stringify({ id, ...fields }) + "\n");
    });
  }

  #settle(answer) {
    const waiting = this.waiting.get(answer.id);
    if (!waiting) return;
    this.waiting.delete(answer.id);
    const error = this.failure(answer);
    if (error) waiting.reject(error);
    else waiting.resolve(answer.result);
  }
}
