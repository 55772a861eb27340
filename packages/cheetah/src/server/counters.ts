/** What a server counts, readable by anybody through frozen functions. */
import type { Status } from "../http/status.ts";

/** Statuses are below this. */
const STATUSES = 600;

/** The server's own side. */
export interface ServerCounters {
  accepted: number;
  refused: number;
  open: number;
  requests: number;
  bodyBytes: number;
  timeouts: number;
  stalls: number;
  displaced: number;
  /** By status. */
  readonly responses: Float64Array;
}

/** Everything at zero. */
export const makeServerCounters = (): ServerCounters => ({
  accepted: 0,
  refused: 0,
  open: 0,
  requests: 0,
  bodyBytes: 0,
  timeouts: 0,
  stalls: 0,
  displaced: 0,
  responses: new Float64Array(STATUSES),
});

/** The reader's side: what a board or a test may look at. All counts since the start. */
export interface CheetahReaders {
  /** Connections accepted, refused for want of room, and open now. */
  accepted(): number;
  refused(): number;
  open(): number;
  requests(): number;
  /** Requests that were not parsed because they came before, and their bytes. */
  requestsRemembered(): number;
  requestBytesRemembered(): number;
  /** Heads that were put together field by field, and kept ones that were patched; responses share the latter. */
  headsMade(): number;
  headsPatched(): number;
  /** Responses with `status`. */
  responses(status: Status): number;
  /** Bytes of bodies queued for sending. */
  bodyBytes(): number;
  /** Requests that came too slowly, and connections reset because nothing was acknowledged. */
  timeouts(): number;
  stalls(): number;
  /** Connections reset because others needed the room. */
  displaced(): number;
  /** Chunk look-ups that found, did not find, and gave up another; chunks read ahead, reads that failed. */
  cacheHits(): number;
  cacheMisses(): number;
  cacheEvictions(): number;
  cacheReadAhead(): number;
  cacheFailures(): number;
  /** Chunks whose frames the kernel asked back. */
  cacheGivenBack(): number;
  /** Bytes sent whose checksums were known, and that were read for them, when checksums are precomputed. */
  sumBytesKnown(): number;
  sumBytesRead(): number;
  /** Chunks of the cache, and those that nobody holds. */
  chunks(): number;
  chunksIdle(): number;
  /** Head slots, and those that nobody holds. */
  slots(): number;
  slotsFree(): number;
  /** Blocks of the disk part that are free. */
  blocksFree(): number;
  /** Files served. */
  files(): number;
  /** Generation of the site on disk. */
  generation(): number;
  /** Lines of the access log that found no room. */
  logDropped(): number;
}
