// The npm package kinto, unmodified, in Node over an IndexedDB in memory. It is the package's build
// for browsers: the one for Node needs Node.js 20.
import "fake-indexeddb/auto";

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { after, before, describe, test } from "node:test";

import kinto from "kinto/dist/kinto.js";

import { casesOf } from "./kinto_js_cases.mjs";
import { basic, startServer } from "./server.mjs";

globalThis.crypto ??= webcrypto; // Node.js 18 has none

const Kinto = kinto.default;
const names = Object.keys(casesOf({}));

describe("kinto.js in Node", () => {
  let server;
  let cases;
  before(async () => {
    // Pages smaller than the lists, so that every client has to follow them.
    server = await startServer({
      TOMBOLO_KINTO_FLUSH_ENABLED: "true",
      TOMBOLO_KINTO_PAGINATE_BY: "10",
    });
    cases = casesOf({
      Kinto,
      url: server.url,
      headersOf: basic,
      equal: assert.deepEqual,
      flush: () => fetch(server.url + "/__flush__", { method: "POST" }),
    });
  });
  after(() => server.stop());

  for (const name of names) test(name, () => cases[name]());
});
