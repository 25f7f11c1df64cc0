// A Replicache in memory. The server pokes it through a WebSocket.
import { Replicache, TEST_LICENSE_KEY } from "replicache";

import { serve } from "../harness/worker.mjs";

const keyOf = (id) => `todo/${id}`;
const OFFLINE = { httpRequestInfo: { httpStatusCode: 503, errorMessage: "offline" } };

serve(({ seen, counted }) => {
  let url;
  let replicache;
  let socket;
  let is_online = false;
  let issued = 0; // mutations of this client
  let taken = 0; // of these, what the server has
  let when_taken = [];
  const ids = new Set();

  async function ask(path, body) {
    const answer = await fetch(url + path, { method: "POST", body: JSON.stringify(body) });
    const info = {
      httpStatusCode: answer.status,
      errorMessage: answer.ok ? "" : await answer.text(),
    };
    return { info, response: answer.ok ? await answer.json() : undefined };
  }

  async function push(request) {
    if (!is_online) return OFFLINE;
    const { info } = await ask("/push", request);
    if (info.httpStatusCode === 200) {
      taken = Math.max(taken, request.mutations.at(-1)?.id ?? 0);
      if (taken >= issued) {
        for (const resolve of when_taken) resolve();
        when_taken = [];
      }
    }
    return { httpRequestInfo: info };
  }

  async function pull(request) {
    if (!is_online) return OFFLINE;
    const { info, response } = await ask("/pull", request);
    return { httpRequestInfo: info, response };
  }

  return {
    open({ server, name }) {
      url = server.url;
      replicache = new Replicache({
        name,
        licenseKey: TEST_LICENSE_KEY,
        kvStore: "mem",
        pullInterval: null,
        pushDelay: 0,
        requestOptions: { minDelayMs: 1 },
        logLevel: "error",
        pusher: push,
        puller: pull,
        mutators: {
          create: (tx, record) => tx.set(keyOf(record.id), record),
          async change(tx, { id, ...fields }) {
            await tx.set(keyOf(id), { ...(await tx.get(keyOf(id))), ...fields });
          },
        },
      });
      replicache.experimentalWatch(
        (diff) => {
          for (const { newValue } of diff) {
            ids.add(newValue.id);
            seen(newValue.id, newValue.order);
          }
          counted(ids.size);
        },
        { prefix: "todo/", initialValuesInFirstDiff: true }
      );
    },
    async goOnline() {
      socket = new WebSocket(url.replace("http:", "ws:"));
      socket.onmessage = () => replicache.pull({ now: true });
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });
      is_online = true;
      replicache.pull({ now: true });
      replicache.push({ now: true });
    },
    goOffline() {
      is_online = false;
      socket.close();
    },
    create(record) {
      issued++;
      return replicache.mutate.create(record);
    },
    change(edit) {
      issued++;
      return replicache.mutate.change(edit);
    },
    acknowledged: () =>
      taken >= issued ? undefined : new Promise((resolve) => when_taken.push(resolve)),
  };
});
