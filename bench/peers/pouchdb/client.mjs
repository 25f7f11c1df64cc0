// A PouchDB database on LevelDB, in live sync.
import { join } from "node:path";

import PouchDB from "pouchdb";

import { serve } from "../harness/worker.mjs";

const BATCH = 1000;

serve(({ seen, counted }) => {
  let database;
  let remote;
  let sync;
  const ids = new Set();
  const pending = new Map(); // id -> the newest revision written here that the server has not
  let when_empty = [];

  const put = async (document) => {
    const { id, rev } = await database.put(document);
    pending.set(id, rev);
    ids.add(id);
  };

  const pushed = (documents) => {
    for (const { _id, _rev } of documents) if (pending.get(_id) === _rev) pending.delete(_id);
    if (pending.size > 0) return;
    for (const resolve of when_empty) resolve();
    when_empty = [];
  };

  const pulled = (documents) => {
    for (const { _id, order } of documents) {
      ids.add(_id);
      seen(_id, order);
    }
    counted(ids.size);
  };

  return {
    async open({ server, folder, name }) {
      database = new PouchDB(join(folder, name));
      remote = server.url;
      await database.info();
    },
    goOnline() {
      sync = database.sync(remote, { live: true, retry: true, batch_size: BATCH });
      sync.on("change", ({ direction, change }) =>
        direction === "pull" ? pulled(change.docs) : pushed(change.docs)
      );
    },
    async goOffline() {
      const ended = new Promise((resolve) => sync.once("complete", resolve));
      sync.cancel();
      await ended;
    },
    create: ({ id, ...fields }) => put({ _id: id, ...fields }),
    async change({ id, ...fields }) {
      await put({ ...(await database.get(id)), ...fields });
    },
    acknowledged: () =>
      pending.size === 0 ? undefined : new Promise((resolve) => when_empty.push(resolve)),
  };
});
