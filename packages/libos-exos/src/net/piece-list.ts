/** A list of payload pieces: the gather list that is made before its header is known. */
import type { Gather, Window } from "@exolith/exokernel/abi";
import { GATHER_PIECES } from "@exolith/exokernel/abi";
import type { PayloadPieces } from "./segment-output.ts";

/** Pieces that a list holds; the last place of a gather list is the header's. */
export const PAYLOAD_PIECES: number = GATHER_PIECES - 1;

/** Pieces of the caller's own windows, in order. Reused: it never allocates after it was made. */
export class PieceList implements PayloadPieces {
  readonly #windows = new Array<Window | undefined>(PAYLOAD_PIECES).fill(undefined);
  readonly #offsets = new Float64Array(PAYLOAD_PIECES);
  readonly #lengths = new Float64Array(PAYLOAD_PIECES);
  #count = 0;
  #length = 0;
  #checksum = false;
  #segmentBytes = 0;

  get count(): number {
    return this.#count;
  }
  get length(): number {
    return this.#length;
  }

  /** Payload of each segment that the interface is to make; 0 when it is to make none. */
  get segmentBytes(): number {
    return this.#segmentBytes;
  }

  /** Forgets every piece, and what was left to the interface. O(1). */
  clear(): void {
    this.#count = 0;
    this.#length = 0;
    this.offload(false, 0);
  }

  /** Adds `length` bytes of `window` from `at`. Throws a `RangeError` past `PAYLOAD_PIECES`. O(1). */
  add(window: Window, at: number, length: number): void {
    const index = this.#count;
    if (index >= PAYLOAD_PIECES) throw new RangeError("too many pieces");
    this.#windows[index] = window;
    this.#offsets[index] = at;
    this.#lengths[index] = length;
    this.#count = index + 1;
    this.#length += length;
  }

  /** Leaves work to the interface, until `clear`. O(1). */
  offload(checksum: boolean, segmentBytes: number): void {
    this.#checksum = checksum;
    this.#segmentBytes = segmentBytes;
  }

  /** Appends the pieces to `gather`, with what is left to the interface. O(pieces). */
  appendTo(gather: Gather): void {
    gather.offload(this.#checksum, this.#segmentBytes);
    for (let index = 0; index < this.#count; index++) {
      const window = this.#windows[index];
      if (window !== undefined) gather.add(window, this.#offsets[index] ?? 0, this.#lengths[index] ?? 0);
    }
  }
}
