/** Where connections come in: a listening port, and a bounded row of those who wait. */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { hostError } from "./host-error.ts";

/** Milliseconds of silence after which the host asks a peer whether it is still there. */
const KEEP_ALIVE_MILLISECONDS = 60_000;

/** How a door is opened. */
export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  /** Connections that may exist at once, waiting, carried or parting. */
  readonly most: number;
  /** Connections that may wait at this moment. */
  readonly room: () => number;
  /** Called when a connection has come to wait. */
  readonly arrived: () => void;
}

/** A listening port. */
export interface StreamDoor {
  readonly host: string;
  readonly port: number;
  /** Connections that wait. O(1). */
  waiting(): number;
  /** The connection that has waited longest and still lives, unread. */
  next(): Socket | undefined;
  /** Stops listening and turns away who waits. */
  shut(): void;
  /** The same, and resolves when no connection is left. */
  close(): Promise<void>;
}

const listening = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once("error", (error) => reject(hostError(`listen on ${host} port ${port}`, error)));
    try {
      server.listen({ host, port, backlog: 511 }, () => resolve(server.address() as AddressInfo));
    } catch (error) {
      reject(hostError(`listen on ${host} port ${port}`, error));
    }
  });

/** An error while nobody looks: the connection is dead, which `next` sees. */
const overlook = (): void => {};

const makeServer = (queue: Socket[], options: DoorOptions): Server => {
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MILLISECONDS,
  });
  server.maxConnections = options.most;
  server.on("connection", (connection) => {
    connection.on("error", overlook);
    if (queue.length >= options.room()) return connection.resetAndDestroy();
    queue.push(connection);
    options.arrived();
  });
  return server;
};

const nextAlive = (queue: Socket[]): Socket | undefined => {
  for (;;) {
    const connection = queue.shift();
    if (connection === undefined || !connection.destroyed) return connection;
  }
};

const shut = (server: Server, queue: Socket[]): void => {
  server.close();
  for (const connection of queue.splice(0)) connection.resetAndDestroy();
};

const closed = (server: Server, queue: Socket[]): Promise<void> =>
  new Promise((resolve) => {
    server.once("close", resolve);
    const was = server.listening;
    shut(server, queue);
    if (!was) server.close(() => resolve());
  });

/** Listens; rejects with a `HostError` when the host will not have it. */
export const openDoor = async (options: DoorOptions): Promise<StreamDoor> => {
  const queue: Socket[] = [];
  const server = makeServer(queue, options);
  const address = await listening(server, options.host, options.port);
  server.on("error", overlook);
  return Object.freeze({
    host: address.address,
    port: address.port,
    waiting: () => queue.length,
    next: () => nextAlive(queue),
    shut: () => shut(server, queue),
    close: () => closed(server, queue),
  });
};
