/** A program's memory in one array: for tests of what uses one. */
import { MemoryFault, type ProgramMemory } from "../memory/program-memory.ts";

/** A memory over an array, with pages of which some may not be written. */
export interface ArrayMemory extends ProgramMemory {
  readonly bytes: Uint8Array;
  /** Lets nobody write `length` bytes at `at` from now on. */
  protect(at: number, length: number): void;
}

/** A memory of `length` bytes, all 0. */
export function makeArrayMemory(length: number): ArrayMemory {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let from = 0;
  let to = 0;
  const demand = (at: number, count: number, writes: boolean): void => {
    if (!(at >= 0 && count >= 0 && at + count <= length)) throw new MemoryFault();
    if (writes && at < to && at + count > from) throw new MemoryFault();
  };
  const checked = (at: number, count: number, writes: boolean): number => {
    demand(at, count, writes);
    return at;
  };
  return {
    bytes,
    length,
    getU8: (at) => view.getUint8(checked(at, 1, false)),
    getU16LE: (at) => view.getUint16(checked(at, 2, false), true),
    getU32LE: (at) => view.getUint32(checked(at, 4, false), true),
    setU8: (at, value) => view.setUint8(checked(at, 1, true), value),
    setU16LE: (at, value) => view.setUint16(checked(at, 2, true), value, true),
    setU32LE: (at, value) => view.setUint32(checked(at, 4, true), value, true),
    read: (at, into, intoAt, count) =>
      into.set(bytes.subarray(checked(at, count, false), at + count), intoAt),
    write: (at, source, sourceAt, count) =>
      bytes.set(source.subarray(sourceAt, sourceAt + count), checked(at, count, true)),
    demand,
    protect: (at, count) => {
      from = at;
      to = at + count;
    },
  };
}
