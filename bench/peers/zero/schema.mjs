// What Zero's client and the server behind it share: the table, the queries and the mutators.
import {
  boolean,
  createBuilder,
  createSchema,
  defineMutator,
  defineMutators,
  defineQueries,
  defineQuery,
  number,
  string,
  table,
} from "@rocicorp/zero";

import { FIRST_MARK } from "../harness/records.mjs";

const todo = table("todo")
  .columns({
    id: string(),
    title: string(),
    done: boolean(),
    order: number(),
    notes: string(),
    created_at: number(),
    updated_at: number(),
  })
  .primaryKey("id");

export const schema = createSchema({ tables: [todo] });
const builder = createBuilder(schema);

export const queries = defineQueries({
  all: defineQuery(() => builder.todo),
  marked: defineQuery(() => builder.todo.where("order", ">=", FIRST_MARK)),
});

export const mutators = defineMutators({
  create: defineMutator(({ tx, args }) => tx.mutate.todo.insert(args)),
  change: defineMutator(({ tx, args }) => tx.mutate.todo.update(args)),
});

export const TABLE = `CREATE TABLE todo (
  id text PRIMARY KEY, title text NOT NULL, done boolean NOT NULL, "order" double precision NOT NULL,
  notes text NOT NULL, created_at double precision NOT NULL, updated_at double precision NOT NULL)`;
export const INDEX = `CREATE INDEX todo_order ON todo ("order")`;
