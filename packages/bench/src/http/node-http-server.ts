/** The peer: `node:http` with every document in memory, as plain as such a server gets. */
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { serveBench } from "./server-child.ts";

const directory = process.argv[2] ?? ".";
const documents = new Map(
  readdirSync(directory).map((name) => [`/${name}`, readFileSync(join(directory, name))]),
);

const server = createServer((request, response) => {
  const body = documents.get(request.url ?? "");
  if (body === undefined) {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": body.length })
    .end(body);
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  serveBench(`http://127.0.0.1:${port}`, () => server.closeAllConnections());
});
