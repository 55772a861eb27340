/** The five servers of the figure, each a program for the machine that its kernel model describes. */
import { capSlot, failed, type Gate, type Program } from "@exolith/exokernel/abi";
import { makeCheetah, type SiteSource } from "@exolith/cheetah";
import {
  eventProgram,
  type ConnectionHandler,
  type FramePool,
  type Pollable,
  type Stack,
} from "@exolith/libos-exos";
import { DISK_SLOT, PORT, makeStacks, poolOf } from "./computers.ts";
import { bytesOf, hold, nameOf } from "./documents.ts";
import { LIKE_HARVEST, TUNED, eventServer, type ServerParts } from "./event-server.ts";
import { forkingServer } from "./forking-server.ts";
import { BSD, XOK, type KernelModel } from "./kernels.ts";
import { Sockets } from "./sockets.ts";
import type { Labour } from "./work.ts";

/** What a server program is told. */
export interface ServerTask {
  readonly labour: Labour;
  /** Bytes of the one document that is asked for. */
  readonly size: number;
  /** Called once it would answer. */
  readonly ready: () => void;
}

/** One server. */
export interface Server {
  readonly name: string;
  readonly kernel: KernelModel;
  program(task: ServerTask): Program;
}

/** A server on sockets. */
const onSockets = (name: string, kernel: KernelModel, serve: (parts: ServerParts) => Pollable): Server => ({
  name,
  kernel,
  program: ({ labour, size, ready }) =>
    eventProgram(4, (gate) => {
      const pool = poolOf(gate);
      const stacks = makeStacks(gate, pool, "server");
      const sockets = new Sockets(stacks, pool, labour, kernel.crossing(labour));
      for (const { tcp } of stacks) tcp.listen(PORT, () => sockets);
      const server = serve({
        sockets,
        pool,
        labour,
        document: hold(pool, size),
        resume: () => kernel.resume(labour),
        otherCall: () => kernel.otherCall(labour),
      });
      ready();
      return [...stacks.map(({ network }) => network), server];
    }),
});

/** Frames of Cheetah's file cache: 4 MiB hold every document. */
const CACHE_FRAMES = 1024;

/** A site of one document. */
const sourceOf = (size: number): SiteSource => ({
  list: () => [{ path: nameOf(size), size, modified: Date.UTC(2025, 0, 1) }],
  read: (_, offset, into) => {
    const part = bytesOf(size).subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  },
});

/** Charges what HTTP does with a request, as `understand` and `makeHeads` do for the others. */
const working = (handler: ConnectionHandler, labour: Labour): ConnectionHandler => ({
  opened: (connection) => handler.opened(connection),
  received: (connection, window, at, length) => {
    const taken = handler.received(connection, window, at, length);
    labour.do("httpByte", taken);
    if (taken > 0) {
      labour.do("httpRequest");
      labour.do("httpHead");
    }
    return taken;
  },
  acknowledged: (connection) => handler.acknowledged(connection),
  ended: (connection) => handler.ended(connection),
  closed: (connection, reason) => handler.closed(connection, reason),
});

function startCheetah(gate: Gate, task: ServerTask): readonly Pollable[] {
  const pool: FramePool = poolOf(gate);
  const cheetah = makeCheetah(gate, {
    slot: capSlot(0),
    disk: { disk: 0, first: 0, blocks: gate.disks.blocks(0), device: DISK_SLOT },
    source: sourceOf(task.size),
    imported: () => task.ready(),
    sumsNeeded: true,
    cacheFrames: CACHE_FRAMES,
  });
  if (failed(cheetah)) throw new Error(`the server cannot be made: ${cheetah.name}`);
  const { pieceSum } = cheetah;
  const stacks: readonly Stack[] = makeStacks(
    gate,
    pool,
    "server",
    pieceSum === undefined ? {} : { pieceSum },
  );
  const handler = working(cheetah.handler, task.labour);
  for (const { tcp } of stacks) tcp.listen(PORT, () => handler);
  return [...stacks.map(({ network }) => network), cheetah];
}

/** In the figure's order. */
export const SERVERS: readonly Server[] = [
  onSockets("NCSA/BSD", BSD, forkingServer),
  onSockets("Harvest/BSD", BSD, (parts) => eventServer(parts, LIKE_HARVEST)),
  onSockets("Socket/BSD", BSD, (parts) => eventServer(parts, TUNED)),
  onSockets("Socket/Xok", XOK, (parts) => eventServer(parts, TUNED)),
  {
    name: "Cheetah",
    kernel: XOK,
    program: (task) => eventProgram(4, (gate) => startCheetah(gate, task)),
  },
];
