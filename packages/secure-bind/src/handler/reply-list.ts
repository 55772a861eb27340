/** Messages that a handler has sent and that are not out yet. */
import { HANDLER_PIECES, HANDLER_REPLIES } from "./program.ts";

/**
 * A list of messages, each a run of pieces; physical addresses and bytes.
 *
 * **Holds** message `i` has the pieces from `ends[i - 1]` (0 for the first) up to `ends[i]`.
 */
export interface ReplyList {
  /** Messages that are complete. */
  count: number;
  /** Pieces, those of the message being built included. */
  pieces: number;
  readonly ends: Uint8Array;
  readonly addresses: Float64Array;
  readonly lengths: Float64Array;
}

/** An empty list. */
export const makeReplyList = (): ReplyList => ({
  count: 0,
  pieces: 0,
  ends: new Uint8Array(HANDLER_REPLIES),
  addresses: new Float64Array(HANDLER_PIECES),
  lengths: new Float64Array(HANDLER_PIECES),
});

/** Forgets everything. O(1). */
export function clearReplies(list: ReplyList): void {
  list.count = 0;
  list.pieces = 0;
}

/** Adds a piece to the message being built; false when there is no room. O(1). */
export function appendPiece(list: ReplyList, address: number, length: number): boolean {
  if (list.pieces === HANDLER_PIECES) return false;
  list.addresses[list.pieces] = address;
  list.lengths[list.pieces] = length;
  list.pieces += 1;
  return true;
}

/** First piece of message `i`. */
export const firstPiece = (list: ReplyList, i: number): number => (i === 0 ? 0 : (list.ends[i - 1] ?? 0));

/** Ends the message being built; false when it has no piece, or there are too many messages. O(1). */
export function endReply(list: ReplyList): boolean {
  if (list.count === HANDLER_REPLIES || list.pieces === firstPiece(list, list.count)) return false;
  list.ends[list.count] = list.pieces;
  list.count += 1;
  return true;
}
