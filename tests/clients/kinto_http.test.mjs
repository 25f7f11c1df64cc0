// The npm package kinto-http, unmodified: what its own guide shows.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import kintoHttp from "kinto-http";

import { basic, startServer } from "./server.mjs";

const KintoClient = kintoHttp.default ?? kintoHttp;

let server;
before(async () => {
  server = await startServer({ TOMBOLO_KINTO_FLUSH_ENABLED: "true" });
});
after(() => server.stop());

const clientOf = (user) =>
  new KintoClient(server.url, { headers: user ? basic(user) : {}, timeout: 10_000 });

async function status(promise) {
  try {
    await promise;
    return 200;
  } catch (error) {
    assert.ok(error.response, error);
    return error.response.status;
  }
}

describe("kinto-http", () => {
  let client;
  let languages;

  beforeEach(async () => {
    client = clientOf("alice");
    await fetch(server.url + "/__flush__", { method: "POST" });
    await client.createBucket("blog");
    await client.bucket("blog").createCollection("languages");
    languages = client.bucket("blog").collection("languages");
  });

  test("knows the server", async () => {
    assert.equal((await client.fetchServerInfo()).http_api_version, "1.23");
    assert.equal((await client.fetchServerSettings()).batch_max_requests, 25);
    assert.ok("default_bucket" in (await client.fetchServerCapabilities()));
    assert.match((await client.fetchUser()).id, /^basicauth:[0-9a-f]{64}$/);
    assert.equal(await clientOf().fetchUser(), undefined);
  });

  test("creates, lists and deletes buckets", async () => {
    const { data } = await client.createBucket();
    assert.match(data.id, /^[a-zA-Z0-9]{8}$/);
    assert.equal((await client.listBuckets()).data.length, 2);
    await client.deleteBucket(data.id);
    await client.deleteBuckets();
    assert.deepEqual((await client.listBuckets()).data, []);
  });

  test("keeps data of buckets and collections", async () => {
    const bucket = client.bucket("blog");
    await bucket.setData({ theme: "dark" });
    assert.equal((await bucket.getData()).theme, "dark");
    await bucket.setData({ size: 2 }, { patch: true });
    assert.deepEqual(
      [(await bucket.getData()).theme, (await bucket.getData()).size],
      ["dark", 2]
    );
    await languages.setData({ sort: "-name" });
    assert.equal((await languages.getData()).sort, "-name");
    assert.equal((await bucket.listCollections()).data[0].id, "languages");
    await bucket.deleteCollection("languages");
    assert.equal((await bucket.listCollections()).data.length, 0);
  });

  test("creates, reads, updates, patches and deletes records", async () => {
    const { data: created, permissions } = await languages.createRecord({ name: "Ladin" });
    assert.equal(permissions.write.length, 1);
    const { data: read } = await languages.getRecord(created.id);
    assert.deepEqual(read, created);

    const { data: updated } = await languages.updateRecord({ ...created, name: "Ladino" });
    assert.equal(updated.name, "Ladino");
    assert.ok(updated.last_modified > created.last_modified);
    const { data: patched } = await languages.updateRecord(
      { id: created.id, speakers: 31000 },
      { patch: true }
    );
    assert.equal(patched.name, "Ladino");
    assert.equal(patched.speakers, 31000);

    const { data: deleted } = await languages.deleteRecord(created.id);
    assert.equal(deleted.deleted, true);
    assert.equal(await status(languages.getRecord(created.id)), 404);
  });

  test("is safe from overwriting what it has not seen", async () => {
    const { data: first } = await languages.createRecord({ id: "lld", n: 1 }, { safe: true });
    assert.equal(await status(languages.createRecord({ id: "lld", n: 2 }, { safe: true })), 412);
    const { data: second } = await languages.updateRecord({ ...first, n: 3 }, { safe: true });
    assert.equal(await status(languages.updateRecord({ ...first, n: 4 }, { safe: true })), 412);
    assert.equal(
      await status(languages.deleteRecord("lld", { last_modified: first.last_modified, safe: true })),
      412
    );
    assert.equal((await languages.getRecord("lld")).data.n, 3);
    await languages.deleteRecord("lld", { last_modified: second.last_modified, safe: true });
  });

  test("filters, sorts and projects", async () => {
    const names = ["Ladin", "Friulian", "Sardinian", "Basque"];
    await client.bucket("blog").batch((bucket) => {
      const collection = bucket.collection("languages");
      names.forEach((name, n) => collection.createRecord({ name, n }));
    });
    const listed = async (options) =>
      (await languages.listRecords(options)).data.map((record) => record.name);
    assert.deepEqual(await listed({ sort: "name" }), [...names].sort());
    assert.deepEqual(await listed({ sort: "-n" }), [...names].reverse());
    assert.deepEqual(await listed({ filters: { n: 1 } }), ["Friulian"]);
    assert.deepEqual(await listed({ filters: { min_n: 2 }, sort: "n" }), ["Sardinian", "Basque"]);
    assert.deepEqual(await listed({ filters: { in_name: "Ladin,Basque" }, sort: "name" }), [
      "Basque",
      "Ladin",
    ]);
    assert.deepEqual(await listed({ filters: { like_name: "*dinian" } }), ["Sardinian"]);
    assert.deepEqual(Object.keys((await languages.listRecords({ fields: ["n"] })).data[0]).sort(), [
      "id",
      "last_modified",
      "n",
    ]);
    assert.equal(await languages.getTotalRecords(), 4);
  });

  test("pages", async () => {
    await client.batch((batch) => {
      const collection = batch.bucket("blog").collection("languages");
      for (let n = 0; n < 60; ++n) collection.createRecord({ n });
    });
    const first = await languages.listRecords({ sort: "n", limit: 25 });
    assert.equal(first.data.length, 25);
    assert.equal(first.hasNextPage, true);
    const second = await first.next();
    assert.equal(second.data[0].n, 25);
    const third = await second.next();
    assert.deepEqual(third.data.map((record) => record.n), [50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
    assert.equal(third.hasNextPage, false);
    const all = await languages.listRecords({ sort: "n", limit: 7, pages: Infinity });
    assert.deepEqual(all.data.map((record) => record.n), [...Array(60).keys()]);
  });

  test("tells what changed since", async () => {
    const { data: first } = await languages.createRecord({ n: 1 });
    const { data: second } = await languages.createRecord({ n: 2 });
    await languages.deleteRecord(first.id);
    const { data, last_modified } = await languages.listRecords({
      since: String(second.last_modified),
    });
    assert.deepEqual(data.map((record) => [record.id, record.deleted]), [[first.id, true]]);
    assert.equal((await languages.listRecords({ since: last_modified })).data.length, 0);
  });

  test("deletes many", async () => {
    for (let n = 0; n < 4; ++n) await languages.createRecord({ n });
    const { data } = await client
      .bucket("blog")
      .collection("languages")
      .deleteRecords({ filters: { max_n: 1 } });
    assert.equal(data.length, 2);
    assert.equal(await languages.getTotalRecords(), 2);
  });

  test("answers each request of a batch", async () => {
    const responses = await client.batch((batch) => {
      batch.createBucket("blog", { safe: true });
      batch.bucket("blog").createCollection("more");
      batch.bucket("blog").collection("more").createRecord({ id: "r", a: 1 });
    });
    assert.deepEqual(responses.map((response) => response.status), [412, 201, 201]);
    const { published, conflicts } = await client.batch(
      (batch) => {
        batch.bucket("blog").collection("more").createRecord({ id: "r" }, { safe: true });
        batch.bucket("blog").collection("more").createRecord({ id: "s" }, { safe: true });
      },
      { aggregate: true }
    );
    assert.equal(published.length, 1);
    assert.equal(conflicts.length, 1);
    assert.equal(conflicts[0].remote.a, 1);
  });

  test("keeps private data private and public data public", async () => {
    await languages.createRecord({ id: "secret" });
    const seen = (user) => clientOf(user).bucket("blog").collection("languages");
    assert.equal(await status(seen().getRecord("secret")), 401);
    assert.equal(await status(seen("bob").getRecord("secret")), 403);
    assert.equal(await status(seen("bob").createRecord({})), 403);

    await languages.addPermissions({ read: ["system.Everyone"] });
    assert.deepEqual((await languages.getPermissions()).read, ["system.Everyone"]);
    assert.equal((await seen().getRecord("secret")).data.id, "secret");
    assert.equal(await status(seen("bob").deleteRecord("secret")), 403);

    await languages.removePermissions({ read: ["system.Everyone"] });
    assert.equal(await status(seen().getRecord("secret")), 401);

    await languages.setPermissions({ "record:create": ["system.Authenticated"] });
    await seen("bob").createRecord({ id: "of-bob" });
    assert.deepEqual((await seen("bob").listRecords()).data.map(({ id }) => id), ["of-bob"]);
  });

  test("has a bucket of its own for each user", async () => {
    const own = client.bucket("default").collection("tasks");
    await own.createRecord({ title: "write" });
    assert.equal((await own.listRecords()).data.length, 1);
    assert.equal(
      (await clientOf("bob").bucket("default").collection("tasks").listRecords()).data.length,
      0
    );
  });

  test("writes at once without a conflict that nobody made", async () => {
    await Promise.all([...Array(100).keys()].map((n) => languages.createRecord({ n })));
    const { data } = await languages.listRecords({ sort: "last_modified" });
    assert.equal(new Set(data.map((record) => record.last_modified)).size, 100);

    const attempts = await Promise.all(
      [...Array(20).keys()].map((n) => status(languages.createRecord({ id: "one", n }, { safe: true })))
    );
    assert.equal(attempts.filter((code) => code === 200).length, 1);
    assert.equal(attempts.filter((code) => code === 412).length, 19);
  });
});
