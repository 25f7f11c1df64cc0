// The application's server that zero-cache asks: queries by name, and mutations, written to
// PostgreSQL.
import { createServer } from "node:http";

import { mustGetMutator, mustGetQuery } from "@rocicorp/zero";
import { handleMutateRequest, handleQueryRequest } from "@rocicorp/zero/server";
import { zeroNodePg } from "@rocicorp/zero/server/adapters/pg";
import pg from "pg";

import { mutators, queries, schema } from "./schema.mjs";

const USER = "person";
const dbProvider = zeroNodePg(schema, new pg.Pool({ connectionString: process.argv[2] }));

const routes = {
  "/query": (query, body) =>
    handleQueryRequest({
      handler: (name, args) => mustGetQuery(queries, name).fn({ args, ctx: {} }),
      schema,
      userID: USER,
      query,
      body,
    }),
  "/mutate": (query, body) =>
    handleMutateRequest({
      dbProvider,
      handler: (transact) =>
        transact((tx, name, args) => mustGetMutator(mutators, name).fn({ tx, args, ctx: {} })),
      userID: USER,
      query,
      body,
    }),
};

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const { pathname, searchParams } = new URL(request.url, "http://server");
    const answer = await routes[pathname](
      searchParams,
      JSON.parse(Buffer.concat(chunks).toString())
    );
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(String(error.stack));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
