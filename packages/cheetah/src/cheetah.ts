/** Makes a server: a part of an environment's event loop, and a handler for TCP. */
import { NEVER, RESOURCE_KINDS, failed } from "@exolith/exokernel/abi";
import type { Cycles, Gate, KernelError, ResourceKind } from "@exolith/exokernel/abi";
import type { ConnectionHandler, PieceSum, Pollable } from "@exolith/libos-exos";
import { ChunkCache } from "./cache/chunk-cache.ts";
import { openBlockStore } from "./disk/block-store.ts";
import type { BlockStore } from "./disk/block-store.ts";
import type { ImportProgress } from "./disk/import-progress.ts";
import { Importer } from "./disk/importer.ts";
import type { RestoreResult } from "./disk/restore.ts";
import { Site } from "./disk/site.ts";
import { Staging } from "./disk/staging.ts";
import { RequestMemo } from "./http/request-memo.ts";
import { HeadWriter } from "./http/response-head.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { SlotPool } from "./memory/slot-pool.ts";
import { makeWaitLists } from "./memory/wait-lists.ts";
import type { WaitLists } from "./memory/wait-lists.ts";
import { techniquesOf } from "./options.ts";
import type { CheetahOptions } from "./options.ts";
import { claimMemory } from "./server-memory.ts";
import type { ServerMemory } from "./server-memory.ts";
import { AccessLog } from "./server/access-log.ts";
import { makeServerCounters } from "./server/counters.ts";
import type { CheetahReaders } from "./server/counters.ts";
import { HttpServer, RETRY_SECONDS } from "./server/http-server.ts";
import { NextPoll } from "./server/next-poll.ts";
import { PieceSums } from "./server/piece-sums.ts";
import { makeReaders } from "./server/readers.ts";
import { RequestBuffers } from "./server/request-reader.ts";
import { SharedHeads } from "./server/shared-heads.ts";
import { makeWallclock, secondsIn } from "./server/services.ts";
import type { Services } from "./server/services.ts";

/**
 * A web server. Serve it in an event loop, and hand `handler` to TCP's listener.
 *
 * `refresh` and `drain` only note what is wanted: wake the environment after
 * calling them from outside its own slices.
 */
export interface Cheetah extends Pollable {
  /** For every connection; it keeps its state in `connection.context`. */
  readonly handler: ConnectionHandler;
  /** For TCP, whose option of that name it is: checksums of what is sent, known without reading it. `undefined` when they are not kept. */
  readonly pieceSum: PieceSum | undefined;
  /** True once a site has been imported, or what the disk held compared with the source; before, requests get 503. */
  ready(): boolean;
  /** How the import is coming along. Allocates. */
  progress(): ImportProgress;
  /** What the disk held at the start; `undefined` until it has been read. */
  restored(): RestoreResult | undefined;
  /** The source may have changed: imports the difference. */
  refresh(): void;
  /** Stops: no new connection, no new request; `drained` says when all is done. */
  drain(): void;
  /** True once it is draining and no connection is left. */
  drained(): boolean;
  readonly counters: CheetahReaders;
}

/**
 * Makes a server in the environment of `gate`.
 *
 * **Fails** with the kernel's refusal when frames or blocks cannot be had: `Full`
 * when there are not enough frames that follow each other.
 */
export function makeCheetah(gate: Gate, options: CheetahOptions): Cheetah | KernelError {
  const memory = claimMemory(gate, options);
  if (failed(memory)) return memory;
  const store = openBlockStore(gate, options.disk, options.slot, memory.status);
  return failed(store) ? store : assemble(gate, options, memory, store);
}

function assemble(gate: Gate, options: CheetahOptions, memory: ServerMemory, store: BlockStore): Cheetah {
  const limits = Object.freeze({ ...DEFAULT_LIMITS, ...options.limits });
  const waits = makeWaitLists(limits.connections, memory.chunks.length);
  const cache = new ChunkCache(memory.chunks, store, waits, limits.connections, memory.chunkFrames);
  const site = new Site(store.blocks);
  const stop = { draining: false };
  const now = options.now ?? gate.clock.now;
  const counters = makeServerCounters();
  const techniques = techniquesOf(options);
  const slots = new SlotPool(memory.heads, waits);
  const heads = new HeadWriter(techniques.preformattedHeads);
  const needsSums = techniques.precomputedChecksums && options.sumsNeeded !== false;
  const sums = needsSums ? new PieceSums(memory.heads, memory.chunks.length) : undefined;
  const services: Services = {
    clock: gate.clock,
    now,
    wallclock: makeWallclock(gate.clock, now),
    limits,
    site,
    cache,
    slots,
    heads,
    shared: techniques.preformattedHeads ? new SharedHeads(slots, heads, sums) : undefined,
    sums,
    later: techniques.packetMerging ? undefined : new NextPoll(),
    grouping: techniques.grouping,
    buffers: new RequestBuffers(limits),
    memo: techniques.rememberedRequests ? new RequestMemo() : undefined,
    log: options.log === undefined ? undefined : new AccessLog(memory.log, options.log),
    counters,
    heldChunks: () => share(cache.chunks, counters.open, limits.heldChunks),
    draining: () => stop.draining,
  };
  const written = (first: number, count: number): void => cache.invalidate(first, count);
  const staging = new Staging(memory.staging, store, memory.chunks.length, written);
  const { source, imported } = options;
  const { grouping } = techniques;
  const { clock } = gate;
  return join(services, waits, new Importer({ site, staging, source, clock, grouping, imported }), stop);
}

/** Chunks that each of `among` may hold: an equal share, at least one, at most `most`. */
const share = (chunks: number, among: number, most: number): number =>
  Math.min(most, Math.max(1, Math.floor(chunks / Math.max(1, among))));

function join(
  services: Services,
  waits: WaitLists,
  importer: Importer,
  stop: { draining: boolean },
): Cheetah {
  const server = new HttpServer(services, waits);
  return Object.freeze({
    handler: server,
    pieceSum: services.sums?.sumOf,
    counters: makeReaders(services),
    ready: () => services.site.served !== undefined,
    progress: () => importer.progress,
    restored: () => importer.restored,
    refresh: () => importer.refresh(),
    drain: () => {
      stop.draining = true;
      server.drain();
    },
    drained: () => stop.draining && services.counters.open === 0,
    poll: () => {
      const importing = importer.poll();
      return server.poll() || importing;
    },
    revoke: (kind: ResourceKind, count: number): number =>
      kind === RESOURCE_KINDS.frame ? services.cache.giveBack(count) : 0,
    wakeAt: () => {
      const { clock } = services;
      const retry = importer.staging.blocked ? clock.now() + secondsIn(clock, RETRY_SECONDS) : NEVER;
      return Math.min(retry, importer.wakeAt(), server.wakeAt()) as Cycles;
    },
  });
}
