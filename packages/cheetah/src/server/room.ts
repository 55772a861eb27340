/** Room for new clients, and for those at work: who is stuck goes first, then who takes up most, then who only waits. */
import type { Cycles } from "@exolith/exokernel/abi";
import type { HttpConnection } from "./http-connection.ts";

/** Share of the connections beyond which those that wait longest are let go. */
const CROWDED_SHARE = 0.75;
/** Seconds that a connection may wait for its next request, and a finished one for its peer, when it is crowded. */
export const CROWDED_SECONDS = 1;
/** Connections let go in one look: each is found by looking at all. */
const LET_GO_BATCH = 64;

/** True when `open` connections of `most` are so many that some are to be let go. */
export const isCrowded = (open: number, most: number): boolean => open > CROWDED_SHARE * most;

/**
 * Finishes connections that have waited since `before` or longer, until the others are few enough.
 *
 * Beyond a batch nothing more is done until the next look. O(LET_GO_BATCH · rows).
 */
export function letIdleGo(rows: readonly HttpConnection[], most: number, before: Cycles): void {
  let staying = 0;
  for (const row of rows) if (row.isOpen && !row.isFinishing) staying += 1;
  for (let count = 0; count < LET_GO_BATCH && isCrowded(staying, most); count++, staying--) {
    const row = longestIdle(rows);
    if (row === undefined || row.since > before) return;
    row.finish();
  }
}

/** The connection that has waited longest for a request of which nothing has come. O(rows). */
export function longestIdle(rows: readonly HttpConnection[]): HttpConnection | undefined {
  let found: HttpConnection | undefined;
  for (const row of rows) if (row.isIdle && (found === undefined || row.since < found.since)) found = row;
  return found;
}

/** Connections by the address of their clients. */
export class Crowd {
  readonly #counts = new Map<number, number>();

  /** One more from `address`. */
  add(address: number): void {
    this.#counts.set(address, this.of(address) + 1);
  }

  /** One less. */
  remove(address: number): void {
    const left = this.of(address) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }

  /** Connections from `address`. */
  of(address: number): number {
    return this.#counts.get(address) ?? 0;
  }

  /** The address with most connections. O(addresses). */
  get largest(): number {
    let largest = 0;
    for (const [address, count] of this.#counts) if (count > this.of(largest)) largest = address;
    return largest;
  }
}

/**
 * Who gives way to a newcomer from `address` when every connection is in use; `undefined` when nobody has to.
 *
 * Whoever has been stuck longest, if that is since `before` or longer; else, of the clients at the address that
 * has most connections, if the newcomer's has fewer, the one that has waited longest; else whoever has waited
 * longest for a next request. O(rows).
 */
export function whoGivesWay(
  rows: readonly HttpConnection[],
  crowd: Crowd,
  address: number,
  before: Cycles,
): HttpConnection | undefined {
  const stuck = longestStuck(rows);
  if (stuck !== undefined && stuck.stuckSince <= before) return stuck;
  const { largest } = crowd;
  if (crowd.of(largest) > crowd.of(address) + 1)
    return longestStuck(rows.filter((row) => row.isOpen && row.remoteAddress === largest));
  return longestIdle(rows);
}

/** The connection without progress for longest. O(rows). */
function longestStuck(rows: readonly HttpConnection[]): HttpConnection | undefined {
  let found: HttpConnection | undefined;
  for (const row of rows)
    if (row.isOpen && (found === undefined || row.stuckSince < found.stuckSince)) found = row;
  return found;
}

/** Those that have held bytes since `before` or longer which their clients do not take, longest first, at most `limit`. O(rows · log rows). */
export const stuckWithBytes = (
  rows: readonly HttpConnection[],
  before: Cycles,
  limit: number,
): readonly HttpConnection[] =>
  rows
    .filter((row) => row.isOpen && row.holdsBytes && row.stuckSince <= before)
    .toSorted((one, other) => one.stuckSince - other.stuckSince)
    .slice(0, limit);
