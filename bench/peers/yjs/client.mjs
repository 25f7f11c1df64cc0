// A Y.Doc in memory, with a y-websocket provider.
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

import { serve } from "../harness/worker.mjs";

const ROOM = "todos";

function providerOf(url, document) {
  return new WebsocketProvider(url, ROOM, document, { connect: false, disableBc: true });
}

serve(({ seen, counted }) => {
  let url;
  let document;
  let todos;
  let provider;
  let loaded = 0;

  return {
    open({ server }) {
      if (document) return;
      url = server.url;
      document = new Y.Doc();
      todos = document.getMap("todos");
      provider = providerOf(url, document);
      todos.observe((event) => {
        for (const id of event.keysChanged) seen(id, todos.get(id)?.order);
        counted(todos.size);
      });
    },
    goOnline: () => provider.connect(),
    goOffline: () => provider.disconnect(),
    create: (record) => void todos.set(record.id, record),
    change: ({ id, ...fields }) => void todos.set(id, { ...todos.get(id), ...fields }),
    createTogether(records) {
      loaded = todos.size + records.length;
      document.transact(() => {
        for (const record of records) todos.set(record.id, record);
      });
    },
    // There is no acknowledgement. After a load, another document shows that the server has it.
    async acknowledged() {
      if (loaded === 0) return;
      const other = new Y.Doc();
      const reader = providerOf(url, other);
      const there = new Promise((resolve) => {
        const map = other.getMap("todos");
        map.observe(() => map.size >= loaded && resolve());
      });
      reader.connect();
      await there;
      reader.destroy();
      other.destroy();
    },
  };
});
