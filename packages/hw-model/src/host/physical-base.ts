/** Where physical memory lies in the host's address space. */
import type { PhysicalGather } from "../nic.ts";
import type { LinuxLibrary } from "./linux-library.ts";

/** Finds addresses; the memory last used is held, so that it cannot move or go away. */
export interface PhysicalBase {
  /** The address of `memory[0]`. O(1) while it is the same memory. */
  of(memory: Uint8Array): number;
  /** Lets go of the memory. */
  clear(): void;
}

/** Throws a `RangeError` unless `memory` has `bytes` bytes at `at`. */
export const checkRange = (memory: Uint8Array, at: number, bytes: number): void => {
  if (at >= 0 && bytes >= 0 && at + bytes <= memory.length) return;
  throw new RangeError(`no memory for ${bytes} bytes at ${at}`);
};

/** Throws a `RangeError` for a gather list that is not a frame of at most `bytes` bytes in `memory`. */
export const checkGather = (memory: Uint8Array, gather: PhysicalGather, bytes: number): void => {
  if (gather.count > VECTOR_PIECES) throw new RangeError(`a frame has at most ${VECTOR_PIECES} pieces`);
  if (gather.length < 1 || gather.length > bytes)
    throw new RangeError(`a frame of ${gather.length} bytes does not fit this interface`);
  let sum = 0;
  for (let i = 0; i < gather.count; i++) {
    const length = gather.lengths[i] ?? 0;
    checkRange(memory, gather.addresses[i] ?? 0, length);
    sum += length;
  }
  if (sum !== gather.length) throw new RangeError(`pieces of ${sum} bytes are no frame of ${gather.length}`);
};

/** Pieces one frame may have. */
export const VECTOR_PIECES = 64;

/** `struct iovec` on a 64-bit host: address, length. */
export const VECTOR_BYTES = 16;

/** Writes a 64-bit number that a double holds exactly. */
export const setAddress = (view: DataView, at: number, address: number): void => {
  view.setUint32(at, address >>> 0, true);
  view.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
};

/** Writes entry `index` of a vector. */
export const setVector = (view: DataView, index: number, address: number, bytes: number): void => {
  setAddress(view, index * VECTOR_BYTES, address);
  setAddress(view, index * VECTOR_BYTES + 8, bytes);
};

/** Finds addresses with `linux`. */
export const makePhysicalBase = (linux: LinuxLibrary): PhysicalBase => {
  let held: Uint8Array | undefined;
  let base = 0;
  const of = (memory: Uint8Array): number => {
    if (held !== memory) {
      base = linux.address(memory);
      held = memory;
    }
    return base;
  };
  return { of, clear: () => void (held = undefined) };
};
