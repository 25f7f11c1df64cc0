// What kinto.js is there for, as cases that run in Node and in a browser alike. `Kinto` is the
// unmodified library, `equal(found, expected, what)` throws, `flush()` empties the server.

const PAGE = 10;

export function casesOf({ Kinto, url, headersOf, equal, flush }) {
  let counter = 0;

  // Another device of the user: a local database of its own.
  const device = (user, options = {}) =>
    new Kinto({
      remote: url,
      headers: headersOf(user),
      bucket: "default",
      retry: 0,
      adapterOptions: { dbName: `device-${Date.now()}-${++counter}` },
      ...options,
    });

  const pair = (name, options = {}) => {
    const user = `user-${name}`;
    return [
      device(user).collection("tasks", options),
      device(user).collection("tasks", options),
      user,
    ];
  };

  // (A conflict that a remote deletion wins leaves the tombstone in kinto.js's local list.)
  const titles = async (collection) =>
    (await collection.list({ order: "title" })).data
      .filter((record) => !record.deleted)
      .map((record) => record.title);

  return {
    async "two devices that worked offline meet"() {
      const [phone, laptop] = pair("meet");
      const { data: task } = await phone.create({ title: "buy milk" });
      await laptop.create({ title: "read" });
      equal((await phone.sync()).ok, true, "first sync");
      equal((await laptop.sync()).ok, true, "second sync");
      equal((await phone.sync()).ok, true, "third sync");
      equal(await titles(phone), ["buy milk", "read"], "the phone");
      equal(await titles(laptop), ["buy milk", "read"], "the laptop");

      await laptop.update({ ...(await laptop.get(task.id)).data, title: "buy bread" });
      const { data: doomed } = await phone.list({ filters: { title: "read" } });
      await phone.delete(doomed[0].id);
      await phone.sync();
      await laptop.sync();
      await phone.sync();
      equal(await titles(phone), ["buy bread"], "the phone after changes");
      equal(await titles(laptop), ["buy bread"], "the laptop after changes");
    },

    async "nothing new brings nothing"() {
      const [phone] = pair("nothing");
      await phone.create({ title: "a" });
      await phone.sync();
      const result = await phone.sync();
      equal(
        [result.ok, result.created.length, result.updated.length, result.published.length],
        [true, 0, 0, 0],
        "second sync"
      );
    },

    async "a conflict is told, and resolved by hand"() {
      const [phone, laptop] = await conflicting("manual");
      const result = await phone.sync();
      equal([result.ok, result.conflicts.length], [false, 1], "the conflict");
      const conflict = result.conflicts[0];
      await phone.resolve(conflict, { ...conflict.local, title: "both" });
      equal((await phone.sync()).ok, true, "after resolving");
      await laptop.sync();
      equal(await titles(laptop), ["both"], "the laptop");
    },

    async "the server wins"() {
      const [phone] = await conflicting("server");
      equal((await phone.sync({ strategy: "server_wins" })).ok, true, "sync");
      equal(await titles(phone), ["from the laptop"], "the phone");
    },

    async "the client wins"() {
      const [phone, laptop] = await conflicting("client");
      equal((await phone.sync({ strategy: "client_wins" })).ok, true, "sync");
      await laptop.sync();
      equal(await titles(laptop), ["from the phone"], "the laptop");
    },

    async "what one deletes while the other changes it is a conflict"() {
      const [phone, laptop] = pair("delete");
      const { data: task } = await phone.create({ title: "shared" });
      await phone.sync();
      await laptop.sync();
      await laptop.delete(task.id);
      await laptop.sync();
      await phone.update({ ...(await phone.get(task.id)).data, title: "changed" });
      const result = await phone.sync();
      equal([result.ok, result.conflicts.length], [false, 1], "the conflict");
      equal((await phone.sync({ strategy: "server_wins" })).ok, true, "server wins");
      equal(await titles(phone), [], "the phone");
    },

    async "transformers encrypt what the server sees"() {
      const transformer = {
        encode: ({ title, ...record }) => ({ ...record, sealed: [...title].reverse().join("") }),
        decode: ({ sealed, ...record }) =>
          record.deleted ? record : { ...record, title: [...sealed].reverse().join("") },
      };
      const [phone, laptop, user] = pair("sealed", { remoteTransformers: [transformer] });
      await phone.create({ title: "secret" });
      equal((await phone.sync()).ok, true, "sync");
      await laptop.sync();
      equal(await titles(laptop), ["secret"], "the laptop");
      const plain = device(user).collection("tasks");
      await plain.sync();
      equal((await plain.list()).data.map(({ sealed }) => sealed), ["terces"], "the server");
    },

    async "more than a page arrives whole"() {
      const [phone, laptop] = pair("pages");
      const names = [...Array(3 * PAGE + 5).keys()].map((n) => `task ${String(n).padStart(3, "0")}`);
      for (const title of names) await phone.create({ title });
      equal((await phone.sync()).published.length, names.length, "published");
      equal((await laptop.sync()).created.length, names.length, "created");
      equal(await titles(laptop), names, "the laptop");
    },

    async "a flushed server is noticed"() {
      const [phone] = pair("flush");
      await phone.create({ title: "a" });
      await phone.sync();
      await flush();
      let message = "";
      try {
        await phone.sync();
      } catch (error) {
        message = error.message;
      }
      equal(/^Server has been flushed/.test(message), true, message);
      await phone.resetSyncStatus();
      equal((await phone.sync()).published.length, 1, "published again");
    },

    async "metadata of the collection comes along"() {
      const [phone] = pair("metadata");
      await phone.create({ title: "a" });
      await phone.sync();
      equal((await phone.metadata()).id, "tasks", "metadata");
    },
  };

  // Both changed the same task; the laptop synced first.
  async function conflicting(name) {
    const [phone, laptop] = pair(name);
    const { data: task } = await phone.create({ title: "shared" });
    await phone.sync();
    await laptop.sync();
    await laptop.update({ ...(await laptop.get(task.id)).data, title: "from the laptop" });
    await phone.update({ ...(await phone.get(task.id)).data, title: "from the phone" });
    await laptop.sync();
    return [phone, laptop];
  }
}
