// A Zero client in memory.
import { Zero } from "@rocicorp/zero";

import { serve } from "../harness/worker.mjs";
import { HoldableWebSocket, hold, isTrying, release } from "./holdable_web_socket.mjs";
import { mutators, queries, schema } from "./schema.mjs";

const POLL_MS = 5;

serve(({ seen, counted }) => {
  let url;
  let zero;
  let unanswered = [];

  // Settled when the write is in the client; the server's answer is kept for later.
  async function write(mutation) {
    const { client, server } = zero.mutate(mutation);
    unanswered.push(server);
    await client;
  }

  function begin() {
    zero = new Zero({
      cacheURL: url,
      schema,
      mutators,
      userID: "person",
      kvStore: "mem",
      logLevel: "error",
      context: {},
    });
    zero.materialize(queries.marked()).addListener((rows) => {
      for (const { id, order } of rows) seen(id, order);
    });
    const { complete } = zero.preload(queries.all());
    complete.then(async () => counted((await zero.run(queries.all())).length));
  }

  return {
    open({ server }) {
      globalThis.WebSocket = HoldableWebSocket;
      url = server.url;
    },
    goOnline() {
      if (zero) release();
      else begin();
    },
    // Zero tries again after up to five seconds. It is offline, for the scenario, once it tries, so
    // that it need not wait for its next try when it may.
    async goOffline() {
      hold();
      while (!isTrying()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    },
    create: (record) => write(mutators.create(record)),
    change: (edit) => write(mutators.change(edit)),
    async acknowledged() {
      const results = await Promise.all(unanswered);
      unanswered = [];
      const failed = results.find(({ type }) => type === "error");
      if (failed) throw new Error(JSON.stringify(failed));
    },
  };
});
