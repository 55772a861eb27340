/** The units of the physical memory that an interface works on, found when it is first used: it is nearly always the same. */
import type { PhysicalMemory } from "../memory.ts";
import type { PhysicalGather } from "../nic.ts";
import { sumBytes, foldSum } from "../offload/internet-sum.ts";
import { canCopyBetween, makeCopyUnit, type CopyUnit } from "../simulated/copy-unit.ts";
import { copyGather } from "../simulated/frame-slots.ts";
import { physicalMemoryOf } from "../simulated/memory.ts";

/** What an interface does with the bytes of a memory; any array will do, and physical memory is much faster. */
export interface MemoryUnits {
  /** The sum of `length` bytes of `memory` at `at`, folded. O(length). */
  sum(memory: Uint8Array, at: number, length: number): number;
  /** Copies the pieces of `list` one after another to the interface's own memory at `to`; the bytes copied. O(bytes). */
  gather(memory: Uint8Array, list: PhysicalGather, to: number): number;
  /** Lets go of the memory. */
  clear(): void;
}

/** For an interface whose own memory is `own`. */
export const makeMemoryUnits = (own: PhysicalMemory): MemoryUnits => {
  const crosses = canCopyBetween();
  let held: Uint8Array | undefined;
  let physical: PhysicalMemory | undefined;
  let copy: CopyUnit | undefined;
  const hold = (memory: Uint8Array | undefined): void => {
    held = memory;
    physical = memory === undefined ? undefined : physicalMemoryOf(memory);
    copy = undefined;
  };
  const findCopy = (): CopyUnit | undefined =>
    physical !== undefined && crosses ? makeCopyUnit(physical.wasm, own.wasm) : undefined;
  return {
    sum: (memory, at, length) => {
      if (memory !== held) hold(memory);
      return physical === undefined ? foldSum(sumBytes(memory, at, length)) : physical.checksum(at, length);
    },
    gather: (memory, list, to) => {
      if (memory !== held) hold(memory);
      copy ??= findCopy();
      if (copy === undefined) return copyGather(memory, list, own.bytes, to);
      let at = to;
      for (let i = 0; i < list.count; i++) {
        const length = list.lengths[i] ?? 0;
        copy(at, list.addresses[i] ?? 0, length);
        at += length;
      }
      return at - to;
    },
    clear: () => hold(undefined),
  };
};
