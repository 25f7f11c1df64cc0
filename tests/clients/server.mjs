// A real server on a free port, with a database of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_TIMEOUT_MS = 20_000;

export async function startServer(settings = {}) {
  const program = process.env.TOMBOLO;
  if (!program) throw new Error("TOMBOLO must name the tombolo program to test");
  const directory = mkdtempSync(join(tmpdir(), "tombolo-clients-"));
  const child = spawn(program, ["serve"], {
    env: {
      ...process.env,
      TOMBOLO_SERVER_PORT: "0",
      TOMBOLO_DATABASE_PATH: join(directory, "server.db"),
      TOMBOLO_LOG_LEVEL: "info",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await addressOf(child);
  return {
    url, // "http://127.0.0.1:1234/v1"
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      rmSync(directory, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the server ended with ${code}`);
    },
  };
}

// The server says on which port it listens.
function addressOf(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const give_up = setTimeout(
      () => reject(new Error(`the server did not start:\n${said}`)),
      START_TIMEOUT_MS
    );
    const listen = (text) => {
      said += text;
      const match = said.match(/127\.0\.0\.1:(\d+)/);
      if (!match) return;
      clearTimeout(give_up);
      resolve(`http://127.0.0.1:${match[1]}/v1`);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("exit", (code) => {
      clearTimeout(give_up);
      reject(new Error(`the server ended with ${code}:\n${said}`));
    });
  });
}

export function basic(user, password = "") {
  return { Authorization: "Basic " + Buffer.from(`${user}:${password}`).toString("base64") };
}
