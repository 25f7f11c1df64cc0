// The inside of a peer's client process: reads requests as JSON lines, lets the peer's client do
// them, and says when records have become visible.
//
// A client is an object with
//   open({ server, folder, name })   makes the client; it is not connected yet
//   goOnline(), goOffline()          starts and stops the live exchange in both directions
//   create(record), change(fields)   one local write each; settled when the client has it
//   createTogether(records)          many at once, the fastest way (to load a server)
//   acknowledged()                   settled when the server has everything written here
//   close()
// and calls seen(id, order) for each record that its application would now show, and counted(n)
// when the number of visible records changed.
import { createInterface } from "node:readline";

import { Waiters } from "./waiters.mjs";

export function serve(makeClient) {
  const waiters = new Waiters();
  const client = makeClient({
    seen: (id, order) => waiters.seen(id, order),
    counted: (count) => waiters.counted(count),
  });
  const arrivals = new Map(); // ticket -> when its records have been seen
  let last_ticket = 0;
  const commands = {
    open: (options) => client.open(options),
    goOnline: () => client.goOnline(),
    goOffline: () => client.goOffline(),
    create: async ({ records }) => {
      for (const record of records) await client.create(record);
    },
    change: async ({ edits }) => {
      for (const edit of edits) await client.change(edit);
    },
    createTogether: ({ records }) => client.createTogether(records),
    acknowledged: () => client.acknowledged(),
    waitCount: ({ count }) => waiters.whenCounted(count),
    expect: ({ marks }) => {
      arrivals.set(++last_ticket, waiters.whenSeen(marks));
      return last_ticket;
    },
    arrival: async ({ ticket }) => {
      await arrivals.get(ticket);
      arrivals.delete(ticket);
    },
  };
  const answer = (line) => process.stdout.write(JSON.stringify(line) + "\n");
  createInterface({ input: process.stdin })
    .on("line", async (line) => {
      const { id, command, options } = JSON.parse(line);
      try {
        const result = (await commands[command](options)) ?? null;
        answer({ id, result });
      } catch (error) {
        answer({ id, error: String(error?.stack ?? error) });
      }
    })
    .on("close", () => process.exit(0));
}
