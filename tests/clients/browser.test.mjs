// The npm package kinto, unmodified, in a page of headless Chromium: a real IndexedDB, and requests
// to another origin than the page's.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { casesOf } from "./kinto_js_cases.mjs";
import { startServer } from "./server.mjs";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const CASE_TIMEOUT_MS = 60_000;
const names = Object.keys(casesOf({}));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const PAGE = `<!doctype html><meta charset="utf-8"><title>kinto.js</title>
<script src="/kinto.js"></script>
<script type="module">
  import { casesOf } from "/cases.mjs";
  const equal = (found, expected, what) => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Error(what + ": expected " + JSON.stringify(expected) +
                      ", found " + JSON.stringify(found));
    }
  };
  window.run = (url, name) =>
    casesOf({
      Kinto: window.Kinto.default,
      url,
      equal,
      headersOf: (user) => ({ Authorization: "Basic " + btoa(user + ":") }),
      flush: () => fetch(url + "/__flush__", { method: "POST" }),
    })[name]();
</script>`;

// The page and the library, from another origin than the server's.
async function startPageServer() {
  const files = {
    "/": ["text/html", PAGE],
    "/kinto.js": ["text/javascript", readFileSync(here("node_modules/kinto/dist/kinto.min.js"))],
    "/cases.mjs": ["text/javascript", readFileSync(here("kinto_js_cases.mjs"))],
  };
  const pages = createServer((request, response) => {
    const [type, content] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(files[request.url] ? 200 : 404, { "Content-Type": type }).end(content);
  });
  await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
  return pages;
}

const missing = existsSync(BROWSER) ? false : `no ${BROWSER}: apt-get install chromium`;

describe("kinto.js in Chromium", { skip: missing }, () => {
  let server, pages, profile, browser, page;

  before(async () => {
    server = await startServer({
      TOMBOLO_KINTO_FLUSH_ENABLED: "true",
      TOMBOLO_KINTO_PAGINATE_BY: "10",
    });
    pages = await startPageServer();
    profile = mkdtempSync(join(tmpdir(), "tombolo-chromium-"));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: BROWSER,
      headless: true,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    await page.waitForFunction(() => window.run);
  });

  after(async () => {
    await browser?.close();
    pages?.close();
    rmSync(profile, { recursive: true, force: true });
    await server?.stop();
  });

  for (const name of names) {
    test(name, { timeout: CASE_TIMEOUT_MS }, async () => {
      await page.evaluate(([url, which]) => window.run(url, which), [server.url, name]);
    });
  }

  test("has read the answers of another origin", async () => {
    assert.notEqual(new URL(server.url).origin, new URL(page.url()).origin);
  });
});
