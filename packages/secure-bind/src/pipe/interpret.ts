/** The meaning of a pipe: slow, obvious, and the specification. */
import { type Pipe, type PipeStage, type SwapBytes, pipeUnit } from "./term.ts";

/** What a stage without a checksum has for a sum, and what a refused run answers. */
export const NO_SUM = -1;

function internetSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function turnRound(bytes: Uint8Array, unit: SwapBytes): void {
  for (let i = 0; i < bytes.length; i += unit) bytes.subarray(i, i + unit).reverse();
}

function xorBytes(bytes: Uint8Array, word: number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (word >>> (24 - 8 * (i % 4)));
}

/** Takes all bytes through one stage; its sum. */
function take(stage: PipeStage, bytes: Uint8Array): number {
  if (stage.kind === "checksum") return internetSum(bytes);
  if (stage.kind === "swap") turnRound(bytes, stage.bytes);
  else xorBytes(bytes, stage.word);
  return NO_SUM;
}

/**
 * Runs `pipe` over `length` bytes from `source` to `destination` in `memory`; the sum of every stage.
 *
 * All bytes are read before any is written, so the ranges may lie anyhow. Sums
 * are folded to 16 bits and not inverted; a stage without one has `NO_SUM`.
 * Undefined, and nothing is written, when `length` is no multiple of the pipe's
 * unit. Numbers are taken without their fraction, modulo 2^32.
 * **Fails** with a `RangeError` outside memory, and nothing is written.
 */
export function interpretPipe(
  pipe: Pipe,
  memory: Uint8Array,
  destination: number,
  source: number,
  length: number,
): readonly number[] | undefined {
  const [to, from, count] = [destination >>> 0, source >>> 0, length >>> 0];
  if (count % pipeUnit(pipe) !== 0) return undefined;
  if (Math.max(to, from) + count > memory.length) throw new RangeError("outside memory");
  const bytes = memory.slice(from, from + count);
  const sums = pipe.map((stage) => take(stage, bytes));
  memory.set(bytes, to);
  return sums;
}
