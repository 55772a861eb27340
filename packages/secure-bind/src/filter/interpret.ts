/** The meaning of a packet filter: slow, obvious, and the specification. */
import type { FieldWidth, Filter } from "./term.ts";

function readUnsigned(memory: Uint8Array, at: number, width: FieldWidth): number {
  let field = 0;
  for (let i = 0; i < width; i++) field = field * 256 + (memory[at + i] ?? 0);
  return field;
}

/**
 * Whether `filter` accepts the frame of `length` bytes at `at` in `memory`.
 *
 * A term whose field does not lie wholly inside the frame fails. The base may
 * pass the end of the frame; only reading there fails.
 */
export function interpretFilter(filter: Filter, memory: Uint8Array, at: number, length: number): boolean {
  let base = 0;
  for (const term of filter) {
    if (term.kind === "skip") {
      base += term.bytes;
      continue;
    }
    const offset = base + term.at;
    if (offset + term.width > length) return false;
    const field = (readUnsigned(memory, at + offset, term.width) & term.mask) >>> 0;
    if (term.kind === "shift") base += field * 2 ** term.by;
    else if (field !== term.value) return false;
  }
  return true;
}
