/**
 * Checksums of a file's bytes, computed once: running sums where segments end.
 *
 * A response of a whole file is a head of an even length, then the file. Where
 * segments are full, the n-th ends `n` segments from the start of the head, so its
 * place in the file is known in advance. For both lengths that segments have and for
 * each end of a cache chunk, which ends a piece, the sum of all bytes of the file
 * before that place is kept; what lies between two places is the difference of their
 * sums, and nobody reads the bytes.
 *
 * ```
 *   sums     0 the whole file
 *            1 … ends of segments of 1460 bytes … of 1448 bytes … ends of chunks
 * ```
 *
 * A sum is a ones'-complement sum of big-endian 16-bit words, folded and not inverted (RFC 1071).
 */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import type { Window } from "@exolith/exokernel/abi";
import { foldSum } from "@exolith/libos-exos";

/** Bytes that full segments carry on Ethernet: without options, and with timestamps (RFC 7323 appendix A). */
const PLAIN = 1460;
const STAMPED = 1448;

/** Bytes of a piece: a chunk of the cache. */
const PIECE_BYTES = 65_536;

/** Bytes of the longest file with sums: look-ups are arithmetic of 32 bits, several times as fast as with more. */
export const LONGEST_SUMMED = 0x7fff_0000;

/** What the places depend on. */
export interface SummedFile {
  /** The first block of its run. */
  readonly first: number;
  /** Bytes. */
  readonly size: number;
  /** Its preformatted head; of an even length, shorter than a segment. */
  readonly head: Uint8Array;
}

/** A file with its sums. */
export interface FileWithSums extends SummedFile {
  readonly sums: Uint16Array;
}

const NOWHERE = -1;

/** Ends of segments of `head` and `size` bytes after them, the last one excluded. */
const plainEnds = (size: number, head: number): number => (((size + head + PLAIN - 1) / PLAIN) | 0) - 1;
const stampedEnds = (size: number, head: number): number => (((size + head + STAMPED - 1) / STAMPED) | 0) - 1;

/** Offset of the first end of a chunk that is not the file's start. */
const firstPieceEnd = (first: number): number => PIECE_BYTES - ((first * BLOCK_BYTES) & (PIECE_BYTES - 1));

/** How many sums are kept with `file`. */
export function sumCount({ first, size, head }: SummedFile): number {
  if (size > LONGEST_SUMMED) return 0;
  const pieceEnds = Math.max(0, Math.ceil((size - firstPieceEnd(first)) / PIECE_BYTES));
  return 1 + plainEnds(size, head.length) + stampedEnds(size, head.length) + pieceEnds;
}

/** Where the sum of the bytes before `offset`, which is not 0, is kept; -1 when it is not. */
function placeOf(file: SummedFile, offset: number): number {
  const size = file.size | 0;
  if (offset === size) return 0;
  const head = file.head.length | 0;
  const position = (offset + head) | 0;
  if (position % PLAIN === 0) return (position / PLAIN) | 0;
  const plain = plainEnds(size, head);
  if (position % STAMPED === 0) return plain + ((position / STAMPED) | 0);
  const past = (offset - firstPieceEnd(file.first)) | 0;
  if (past < 0 || (past & (PIECE_BYTES - 1)) !== 0) return NOWHERE;
  return 1 + plain + stampedEnds(size, head) + ((past / PIECE_BYTES) | 0);
}

/** The sum of the bytes of `file`, which has sums, from `offset` to `end`; -1 when it must be read. O(1). */
export function knownSum(file: FileWithSums, offset: number, end: number): number {
  const { sums } = file;
  const last = placeOf(file, end);
  if (last === NOWHERE) return NOWHERE;
  if (offset === 0) return sums[last] ?? NOWHERE;
  const before = placeOf(file, offset);
  if (before === NOWHERE) return NOWHERE;
  const difference = sums[last]! - sums[before]!;
  return difference < 0 ? difference + 0xffff : difference;
}

/** Sums a file as it is copied, piece after piece. */
export class PayloadSummer {
  #file: SummedFile | undefined;
  #sums = new Uint16Array(0);
  #running = 0;

  /** Begins with `file`. */
  begin(file: SummedFile): void {
    this.#sums = new Uint16Array(sumCount(file));
    this.#file = this.#sums.length === 0 ? undefined : file;
    this.#running = 0;
  }

  /** The sums of the file that was begun last. */
  get sums(): Uint16Array {
    return this.#sums;
  }

  /** Adds the `length` bytes from `offset` of the file, which are the first of `window`; all but the last have an even length. O(length). */
  add(window: Window, offset: number, length: number): void {
    const file = this.#file;
    if (file === undefined) return;
    const end = offset + length;
    for (let at = offset; at < end;) {
      const next = Math.min(end, nextPlace(file, at));
      this.#running = foldSum(this.#running + window.checksum(at - offset, next - at, 0));
      const place = placeOf(file, next);
      if (place !== NOWHERE) this.#sums[place] = this.#running;
      at = next;
    }
  }
}

/** The first place behind `at`. */
function nextPlace(file: SummedFile, at: number): number {
  const head = file.head.length;
  const segmentEnd = (segmentBytes: number): number =>
    (Math.floor((at + head) / segmentBytes) + 1) * segmentBytes - head;
  const first = firstPieceEnd(file.first);
  const pieceEnd = first + Math.max(0, Math.floor((at - first) / PIECE_BYTES) + 1) * PIECE_BYTES;
  return Math.min(file.size, segmentEnd(PLAIN), segmentEnd(STAMPED), pieceEnd);
}
