// A small HTTP server of JSON requests that can also tell all its listeners (WebSockets) something:
// what the servers of peers need that bring none.
import { createServer } from "node:http";

// `routes`: "/path" -> function of the request's JSON, whose value is the answer.
// `WebSocketServer` is that of the package `ws`. Returns tell(message).
export async function serveJson(routes, WebSocketServer) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const route = routes[request.url];
      if (!route) throw new Error(`there is no ${request.url}`);
      const answer = JSON.stringify(route(JSON.parse(Buffer.concat(chunks).toString())) ?? {});
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    } catch (error) {
      response.writeHead(500).end(String(error.stack));
    }
  });
  const sockets = new WebSocketServer({ server });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  console.log(`listening on ${server.address().port}`);
  return (message) => {
    for (const socket of sockets.clients) socket.send(message);
  };
}
