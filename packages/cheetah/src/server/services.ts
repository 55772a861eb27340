/** What all connections of a server share. */
import type { Cycles, Gate } from "@exolith/exokernel/abi";
import type { ChunkCache } from "../cache/chunk-cache.ts";
import type { HeadWriter } from "../http/response-head.ts";
import type { Limits } from "../limits.ts";
import type { RequestMemo } from "../http/request-memo.ts";
import type { SlotPool } from "../memory/slot-pool.ts";
import type { Site } from "../disk/site.ts";
import type { AccessLog } from "./access-log.ts";
import type { NextPoll } from "./next-poll.ts";
import type { PieceSums } from "./piece-sums.ts";
import type { SharedHeads } from "./shared-heads.ts";
import type { RequestBuffers } from "./request-reader.ts";
import type { ServerCounters } from "./counters.ts";

/** The parts that connections work with. */
export interface Services {
  readonly clock: Gate["clock"];
  /** When what is being served began, cycles: good to a turn of the event loop, without reading a clock. */
  readonly now: () => Cycles;
  /** Milliseconds since 1970, as good. */
  readonly wallclock: () => number;
  readonly limits: Limits;
  readonly site: Site;
  readonly cache: ChunkCache;
  readonly slots: SlotPool;
  readonly heads: HeadWriter;
  /** Heads that responses share; none where each makes its own. */
  readonly shared: SharedHeads | undefined;
  /** Sums of what is queued; `undefined` leaves it to TCP to read it. */
  readonly sums: PieceSums | undefined;
  /** Where a response and a FIN wait for a packet of their own; `undefined` merges packets. */
  readonly later: NextPoll | undefined;
  /** True reads a group when a file of it is wanted. */
  readonly grouping: boolean;
  readonly buffers: RequestBuffers;
  /** Requests that came before; none where every one is to be parsed. */
  readonly memo: RequestMemo | undefined;
  readonly log: AccessLog | undefined;
  readonly counters: ServerCounters;
  /** Chunks that one connection may hold at the moment. */
  heldChunks(): number;
  /** True once the server is to stop. */
  draining(): boolean;
}

/** `seconds` in cycles of `clock`. */
export const secondsIn = (clock: Gate["clock"], seconds: number): Cycles => (seconds * clock.hertz) as Cycles;

/** Seconds after which the wall clock is read again. */
const WALL_SECONDS = 0.25;

/** The wall clock by `now`, read a few times a second. */
export function makeWallclock(clock: Gate["clock"], now: () => Cycles): () => number {
  const perMillisecond = clock.hertz / 1000;
  let readAt = -Infinity;
  let wall = 0;
  return () => {
    const at = now();
    if (at - readAt >= WALL_SECONDS * clock.hertz) {
      readAt = at;
      wall = clock.wallclock();
    }
    return wall + Math.floor((at - readAt) / perMillisecond);
  };
}
