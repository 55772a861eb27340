/** The checksum of a payload out of the sums of its pieces (RFC 1071 section 2). */
import type { Window } from "@exolith/exokernel/abi";
import { foldSum } from "../checksum.ts";

/**
 * The ones'-complement sum, folded and not inverted, of `length` bytes of
 * `window` at `at`. An application that stores sums with its bytes answers from
 * them instead of reading every byte again.
 */
export type PieceSum = (window: Window, at: number, length: number) => number;

/** Reads the bytes. */
export const readPieceSum: PieceSum = (window, at, length) => window.checksum(at, length, 0);

/** The folded `sum` with a piece's sum added that begins `offset` bytes into the payload: at an odd offset bytes change places. */
export const addPieceSum = (sum: number, piece: number, offset: number): number =>
  foldSum(sum + ((offset & 1) === 0 ? piece : ((piece & 0xff) << 8) | (piece >>> 8)));
