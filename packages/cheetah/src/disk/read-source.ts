/** Reads files of a source, whatever it does meanwhile. */
import type { ListedFile } from "./import-task.ts";
import type { SiteSource } from "./site-source.ts";
import type { Step } from "./step.ts";

/** Bytes of a page that are read in one step. */
const PIECE_BYTES = 65_536;

/** Fills `into` with bytes of `path` from `offset`; returns how many there were, -1 when the source threw. */
export function readFully(source: SiteSource, path: string, offset: number, into: Uint8Array): number {
  try {
    let filled = 0;
    while (filled < into.length) {
      const count = source.read(path, offset + filled, into.subarray(filled));
      if (!(count > 0)) break;
      filled += count;
    }
    return filled;
  } catch {
    return -1;
  }
}

/** All bytes of `file`, a piece a step; `undefined` when they are not there any more. */
export function* readWhole(source: SiteSource, file: ListedFile): Generator<Step, Uint8Array | undefined> {
  const bytes = new Uint8Array(file.size);
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    if (readFully(source, file.path, at, piece) !== piece.length) return undefined;
    yield "more";
  }
  return bytes;
}
