/** Room for new clients, and for those at work: who has taken nothing yet, who is stuck, and who only waits give way. */
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
  let staying = stayingOf(rows);
  for (let count = 0; count < LET_GO_BATCH && isCrowded(staying, most); count++, staying--) {
    const row = longestIdle(rows);
    if (row === undefined || row.since > before) return;
    row.finish();
  }
}

/** Connections that are not about to go. O(rows). */
const stayingOf = (rows: readonly HttpConnection[]): number =>
  rows.reduce((sum, row) => sum + (row.isOpen && !row.isFinishing ? 1 : 0), 0);

/** The connection that has waited longest for a request of which nothing has come. O(rows). */
export function longestIdle(rows: readonly HttpConnection[]): HttpConnection | undefined {
  let found: HttpConnection | undefined;
  for (const row of rows) if (row.isIdle && (found === undefined || row.since < found.since)) found = row;
  return found;
}

/** Connections beyond those that leave enough free. */
export const tooMany = (open: number, most: number): number =>
  Math.max(0, open - Math.floor(CROWDED_SHARE * most));

/** Those at work that have made no progress since `before` or longer, longest first, at most `limit`. O(rows · log rows). */
export const stuckSince = (
  rows: readonly HttpConnection[],
  before: Cycles,
  limit: number,
): readonly HttpConnection[] =>
  rows
    .filter((row) => row.isOpen && !row.isWaiting && row.stuckSince <= before)
    .toSorted((one, other) => one.stuckSince - other.stuckSince)
    .slice(0, limit);
