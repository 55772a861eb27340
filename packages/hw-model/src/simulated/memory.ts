/** Physical memory of a machine: one WebAssembly memory that never grows. */
import { DEFAULT_FRAMES, type PhysicalMemory } from "../memory.ts";
import { FRAME_BYTES } from "../units.ts";
import { makeChecksumUnit } from "./checksum-unit.ts";
import { makeCopyUnit } from "./copy-unit.ts";

/** Bytes in a page of a WebAssembly memory (WebAssembly core specification 4.2.8). */
const WASM_PAGE_BYTES = 65_536;

/** Pages a 32-bit WebAssembly memory may have. */
const WASM_PAGES = 65_536;

const made = new WeakMap<ArrayBufferLike, PhysicalMemory>();

/** The physical memory whose bytes these are; undefined for any other array. O(1). */
export const physicalMemoryOf = (bytes: Uint8Array): PhysicalMemory | undefined => {
  const memory = made.get(bytes.buffer);
  return memory?.bytes === bytes ? memory : undefined;
};

/**
 * Memory of `frames` frames with at least `arenaBytes` bytes of arena above.
 *
 * The arena is rounded up so that the whole is a number of 64 KiB pages. Fails
 * with a `RangeError` when that is more than 4 GiB.
 */
export function makePhysicalMemory(frames: number = DEFAULT_FRAMES, arenaBytes: number = 0): PhysicalMemory {
  if (!Number.isInteger(frames) || frames < 1) throw new RangeError("a machine needs at least one frame");
  const pages = Math.ceil((frames * FRAME_BYTES + arenaBytes) / WASM_PAGE_BYTES);
  if (!(pages <= WASM_PAGES)) throw new RangeError("a machine has at most 4 GiB of memory");
  const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const memory: PhysicalMemory = {
    frames,
    arenaBytes: pages * WASM_PAGE_BYTES - frames * FRAME_BYTES,
    bytes: new Uint8Array(wasm.buffer),
    view: new DataView(wasm.buffer),
    checksum: makeChecksumUnit(wasm),
    copy: makeCopyUnit(wasm),
    wasm,
  };
  made.set(wasm.buffer, memory);
  return memory;
}
