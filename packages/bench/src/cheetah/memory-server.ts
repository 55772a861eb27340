/**
 * The peer: `node:http` with every document in memory, as quick as it gets by its own means.
 *
 * Bodies are buffers that never change; names and values of the headers are checked by nobody twice, because they
 * go as one array that is made before; nothing is looked up but the path. `memory-server DIRECTORY ADDRESS PORT`.
 */
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [directory = ".", host = "127.0.0.1", port = "80"] = process.argv.slice(2);

interface Held {
  readonly body: Buffer;
  readonly headers: string[];
}

const documents = new Map<string, Held>(
  readdirSync(directory).map((name) => {
    const body = readFileSync(join(directory, name));
    const headers = ["Content-Type", "application/octet-stream", "Content-Length", `${body.length}`];
    return [`/${name}`, { body, headers }];
  }),
);

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const held = documents.get(request.url ?? "");
  if (held === undefined) response.writeHead(404).end();
  else response.writeHead(200, held.headers).end(held.body);
});
server.listen({ port: Number(port), host, backlog: 4096 });
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
