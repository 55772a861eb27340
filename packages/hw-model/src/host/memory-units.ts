/** The units of the physical memory that an interface works on, found when it is first used: it is nearly always the same. */
import type { PhysicalMemory } from "../memory.ts";
import { sumBytes, foldSum } from "../offload/internet-sum.ts";
import { canCopyBetween, makeCopyUnit, type CopyUnit } from "../simulated/copy-unit.ts";
import { copyBytes } from "../simulated/frame-slots.ts";
import { physicalMemoryOf } from "../simulated/memory.ts";

/** What an interface does with the bytes of a memory; any array will do, and physical memory is much faster. */
export interface MemoryUnits {
  /** The sum of `length` bytes of `memory` at `at`, folded. O(length). */
  sum(memory: Uint8Array, at: number, length: number): number;
  /** Copies `length` bytes of `memory` at `from` to the interface's own memory at `to`. O(length). */
  fetch(memory: Uint8Array, from: number, to: number, length: number): void;
}

/** For an interface whose own memory is `own`. */
export const makeMemoryUnits = (own: PhysicalMemory): MemoryUnits => {
  let held: Uint8Array | undefined;
  let physical: PhysicalMemory | undefined;
  let copy: CopyUnit | undefined;
  const find = (memory: Uint8Array): void => {
    held = memory;
    physical = physicalMemoryOf(memory);
    copy = physical !== undefined && canCopyBetween() ? makeCopyUnit(physical.wasm, own.wasm) : undefined;
  };
  return {
    sum: (memory, at, length) => {
      if (memory !== held) find(memory);
      return physical === undefined ? foldSum(sumBytes(memory, at, length)) : physical.checksum(at, length);
    },
    fetch: (memory, from, to, length) => {
      if (memory !== held) find(memory);
      if (copy === undefined) copyBytes(memory, from, own.bytes, to, length);
      else copy(to, from, length);
    },
  };
};
