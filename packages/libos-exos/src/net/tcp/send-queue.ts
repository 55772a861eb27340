/** What an application wants to send: pieces of its own memory, named, not copied. */
import type { Window } from "@exolith/exokernel/abi";
import type { PayloadPieces } from "../segment-output.ts";
import type { PieceOwner } from "./application.ts";
import type { PieceSum } from "./payload-sum.ts";
import { addPieceSum } from "./payload-sum.ts";

/**
 * The send queue of one connection; the retransmission pool is the same thing.
 *
 * A ring of pieces. Positions are bytes since the queue was last emptied by
 * `releaseAll`; offsets in arguments count from the first unacknowledged byte.
 */
export class SendQueue {
  readonly #capacity: number;
  readonly #windows: (Window | undefined)[];
  readonly #owners: (PieceOwner | undefined)[];
  readonly #at: Float64Array;
  readonly #lengths: Float64Array;
  /** Position of the first byte after each piece. */
  readonly #ends: Float64Array;
  readonly #tokens: Float64Array;
  #head = 0;
  #count = 0;
  #base = 0;
  #end = 0;
  /** Piece, counted from the head, in which the last look-up ended. */
  #hint = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#windows = new Array<Window | undefined>(capacity).fill(undefined);
    this.#owners = new Array<PieceOwner | undefined>(capacity).fill(undefined);
    this.#at = new Float64Array(capacity);
    this.#lengths = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#tokens = new Float64Array(capacity);
  }

  /** Bytes queued and not yet acknowledged. */
  get length(): number {
    return this.#end - this.#base;
  }

  /** Pieces not yet released. */
  get pieces(): number {
    return this.#count;
  }

  /** Adds a piece; false when the ring is full. Owner: the window's, unchanged until `released`. O(1). */
  push(window: Window, at: number, length: number, owner: PieceOwner | undefined, token: number): boolean {
    if (this.#count === this.#capacity) return false;
    const index = this.#index(this.#count);
    this.#windows[index] = window;
    this.#at[index] = at;
    this.#lengths[index] = length;
    this.#owners[index] = owner;
    this.#tokens[index] = token;
    this.#end += length;
    this.#ends[index] = this.#end;
    this.#count += 1;
    return true;
  }

  /** The first `bytes` are acknowledged; pieces that are through are released. */
  acknowledge(bytes: number): void {
    this.#base += bytes;
    while (this.#count > 0 && (this.#ends[this.#head] ?? 0) <= this.#base) this.#release();
  }

  /** Releases every piece. */
  releaseAll(): void {
    while (this.#count > 0) this.#release();
    this.#base = 0;
    this.#end = 0;
    this.#hint = 0;
  }

  /** How many of `length` bytes from `offset` fit in at most `limit` pieces. O(pieces). */
  span(offset: number, length: number, limit: number): number {
    const from = this.#base + offset;
    const first = this.#seek(from);
    const last = first + limit - 1;
    if (last >= this.#count) return length;
    return Math.min(length, (this.#ends[this.#index(last)] ?? 0) - from);
  }

  /** Adds `length` bytes from `offset` to `pieces`; returns the folded sum of the bytes. O(pieces and length). */
  gather(offset: number, length: number, pieces: PayloadPieces, sumOf: PieceSum): number {
    let position = this.#base + offset;
    let left = length;
    let sum = 0;
    for (let piece = this.#seek(position); left > 0; piece++) {
      const index = this.#index(piece);
      const window = this.#windows[index];
      const end = this.#ends[index] ?? 0;
      if (window === undefined) throw new RangeError("outside the send queue");
      const take = Math.min(left, end - position);
      if (take > 0) {
        const at = (this.#at[index] ?? 0) + (this.#lengths[index] ?? 0) - (end - position);
        sum = addPieceSum(sum, sumOf(window, at, take), length - left);
        pieces.add(window, at, take);
      }
      position += take;
      left -= take;
      this.#hint = piece;
    }
    return sum;
  }

  // By hand: a remainder costs as much as the rest of a step.
  #index(piece: number): number {
    const index = this.#head + piece;
    return index < this.#capacity ? index : index - this.#capacity;
  }

  // The piece, counted from the head, that holds `position`; `pieces` when none does.
  #seek(position: number): number {
    let piece = this.#hint < this.#count ? this.#hint : 0;
    const hinted = this.#index(piece);
    if ((this.#ends[hinted] ?? 0) - (this.#lengths[hinted] ?? 0) > position) piece = 0;
    while (piece < this.#count && (this.#ends[this.#index(piece)] ?? 0) <= position) piece += 1;
    return piece;
  }

  #release(): void {
    const index = this.#head;
    const owner = this.#owners[index];
    this.#windows[index] = undefined;
    this.#owners[index] = undefined;
    this.#head = index + 1 === this.#capacity ? 0 : index + 1;
    this.#count -= 1;
    if (this.#hint > 0) this.#hint -= 1;
    owner?.released(this.#tokens[index] ?? 0);
  }
}
