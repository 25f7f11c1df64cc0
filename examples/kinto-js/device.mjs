// A device that runs kinto.js, driven by JSON lines as `tombolo shell` is (docs/shell.md): one
// request a line on standard input, one answer a line on standard output, until the input ends.
//
//   node device.mjs http://127.0.0.1:8888/v1 main languages [USER:PASSWORD]
//   {"id":1,"command":"sync"}
//   {"id":1,"ok":true,"result":{"published":0,"received":7910,"resolved":0}}
//
// kinto.js is the npm package, unmodified, in its build for browsers (the one for Node.js needs
// version 20), over fake-indexeddb: an IndexedDB in memory, so the data lives as long as the process.
import "fake-indexeddb/auto";

import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";

import kinto from "kinto/dist/kinto.js";

globalThis.crypto ??= webcrypto; // Node.js 18 has none

const [url, bucket, name, user = "kinto-js:demo"] = process.argv.slice(2);
if (!name) {
  console.error("usage: node device.mjs URL BUCKET COLLECTION [USER:PASSWORD]");
  process.exit(2);
}

// kinto.js wants UUIDs as ids unless it is told otherwise; those of ISO 639-3 have three letters.
const idSchema = {
  generate: () => crypto.randomUUID(),
  validate: (id) => /^[a-zA-Z0-9][a-zA-Z0-9_-]*$/.test(id),
};

const collection = new kinto.default({
  remote: url,
  bucket,
  headers: { Authorization: "Basic " + Buffer.from(user).toString("base64") },
  adapterOptions: { dbName: "device" },
}).collection(name, { idSchema });

const commands = {
  async sync() {
    const result = await collection.sync({ strategy: "client_wins" });
    if (!result.ok) {
      const why = [...result.errors, ...result.conflicts].map((one) => one.message ?? one.type);
      throw new Error(`the exchange failed: ${why.join("; ")}`);
    }
    return {
      published: result.published.length,
      received: result.created.length + result.updated.length + result.deleted.length,
      resolved: result.resolved.length,
    };
  },

  // Sets these fields of a record and leaves the others.
  async patch({ record_id: id, fields }) {
    await collection.update({ ...fields, id }, { patch: true });
    return null;
  },

  async get({ record_id: id }) {
    return plain((await collection.get(id)).data);
  },

  async list() {
    return (await collection.list()).data.map(plain);
  },

  // What was changed here and not sent yet.
  async status() {
    const { data } = await collection.list({}, { includeDeleted: true });
    return { pending: data.filter((record) => record._status !== "synced").length };
  },
};

// The record without what kinto.js and the server's clock add to it.
function plain({ _status, last_modified, ...record }) {
  return record;
}

async function answer(line) {
  let request = null;
  try {
    request = JSON.parse(line);
    const command = Object.hasOwn(commands, request?.command) ? commands[request.command] : null;
    if (!command) throw new Error(`there is no command ${JSON.stringify(request?.command)}`);
    return { id: request.id, ok: true, result: await command(request) };
  } catch (error) {
    return { id: request?.id ?? null, ok: false, error: { message: error.message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== "") process.stdout.write(JSON.stringify(await answer(line)) + "\n");
}
