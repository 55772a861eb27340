/** Writes a program's data where it belongs, before it runs. */
import { MISSES_MAX, type PageBits, tableBytes } from "./page-tables.ts";
import type { ProgramPlace, RewrittenProgram } from "./program.ts";
import type { ModuleData } from "./rewrite.ts";

const ENTRY_BYTES = 4;

/** The physical address to write `address` at; asks for the translation until it is there. */
function translate(place: ProgramPlace, view: DataView, pageBits: PageBits, address: number): number {
  const entryAt = place.base + tableBytes(pageBits) + (address >>> pageBits) * ENTRY_BYTES;
  for (let misses = 0; misses < MISSES_MAX; misses++) {
    const entry = view.getUint32(entryAt, true);
    if (entry !== 0) return entry + (address & (2 ** pageBits - 1));
    place.miss?.(address, 1);
  }
  throw new RangeError("a page that does not come");
}

/** Writes bytes page by page: pages may come and go in between. */
function writePaged(place: ProgramPlace, pageBits: PageBits, { offset, bytes }: ModuleData): void {
  const { buffer } = place.memory;
  const view = new DataView(buffer);
  const all = new Uint8Array(buffer);
  const pageBytes = 2 ** pageBits;
  for (let done = 0; done < bytes.length;) {
    const address = offset + done;
    const count = Math.min(bytes.length - done, pageBytes - (address % pageBytes));
    all.set(bytes.subarray(done, done + count), translate(place, view, pageBits, address));
    done += count;
  }
}

/** Places all data of a program, in its order. **Cost** O(bytes); throws what a miss throws. */
export function placeData(program: RewrittenProgram, data: readonly ModuleData[], place: ProgramPlace): void {
  if (program.mode === "paged") {
    for (const segment of data) writePaged(place, program.pageBits, segment);
    return;
  }
  const all = new Uint8Array(place.memory.buffer);
  for (const { offset, bytes } of data) all.set(bytes, place.base + offset);
}
