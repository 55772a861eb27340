/** What an application wants to send: pieces of its own memory, named, not copied. */
import type { Window } from "@exolith/exokernel/abi";
import type { PayloadPieces } from "../segment-output.ts";
import type { PieceOwner } from "./application.ts";
import type { PieceSum } from "./payload-sum.ts";
import { addPieceSum } from "./payload-sum.ts";

/** Numbers of a piece: where it begins in its window, its length, the position of the first byte after it, and its token. */
const NUMBERS = 4,
  AT = 0,
  LENGTH = 1,
  END = 2,
  TOKEN = 3;

/**
 * The send queue of one connection; the retransmission pool is the same thing.
 *
 * A ring of pieces. Positions are bytes since the queue was last empty; offsets
 * in arguments count from the first unacknowledged byte. It begins again at the
 * first place whenever it is empty, and what belongs together lies together:
 * with many connections, the memory that each touches is what costs.
 */
export class SendQueue {
  readonly #capacity: number;
  readonly #windows: (Window | undefined)[];
  readonly #owners: (PieceOwner | undefined)[];
  readonly #numbers: Float64Array;
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
    this.#numbers = new Float64Array(capacity * NUMBERS);
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
    this.#owners[index] = owner;
    this.#end += length;
    const numbers = this.#numbers;
    const row = index * NUMBERS;
    numbers[row + AT] = at;
    numbers[row + LENGTH] = length;
    numbers[row + END] = this.#end;
    numbers[row + TOKEN] = token;
    this.#count += 1;
    return true;
  }

  /** The first `bytes` are acknowledged; pieces that are through are released. */
  acknowledge(bytes: number): void {
    this.#base += bytes;
    while (this.#count > 0 && this.#number(this.#head, END) <= this.#base) this.#release();
    if (this.#count === 0) this.#beginAgain();
  }

  /** Releases every piece. */
  releaseAll(): void {
    while (this.#count > 0) this.#release();
    this.#beginAgain();
  }

  /** How many of `length` bytes from `offset` fit in at most `limit` pieces. O(pieces). */
  span(offset: number, length: number, limit: number): number {
    const from = this.#base + offset;
    const first = this.#seek(from);
    const last = first + limit - 1;
    if (last >= this.#count) return length;
    return Math.min(length, this.#number(this.#index(last), END) - from);
  }

  /** Adds `length` bytes from `offset` to `pieces`; returns the folded sum of the bytes. O(pieces and length). */
  gather(offset: number, length: number, pieces: PayloadPieces, sumOf: PieceSum): number {
    let position = this.#base + offset;
    let left = length;
    let sum = 0;
    for (let piece = this.#seek(position); left > 0; piece++) {
      const index = this.#index(piece);
      const window = this.#windows[index];
      const end = this.#number(index, END);
      if (window === undefined) throw new RangeError("outside the send queue");
      const take = Math.min(left, end - position);
      if (take > 0) {
        const at = this.#number(index, AT) + this.#number(index, LENGTH) - (end - position);
        sum = addPieceSum(sum, sumOf(window, at, take), length - left);
        pieces.add(window, at, take);
      }
      position += take;
      left -= take;
      this.#hint = piece;
    }
    return sum;
  }

  #number(index: number, which: number): number {
    return this.#numbers[index * NUMBERS + which] ?? 0;
  }

  #beginAgain(): void {
    this.#head = 0;
    this.#base = 0;
    this.#end = 0;
    this.#hint = 0;
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
    if (this.#number(hinted, END) - this.#number(hinted, LENGTH) > position) piece = 0;
    while (piece < this.#count && this.#number(this.#index(piece), END) <= position) piece += 1;
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
    owner?.released(this.#number(index, TOKEN));
  }
}
