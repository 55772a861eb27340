/** Workers that use the processor up, for tests of who gets it. */
import {
  capSlot,
  frame,
  must,
  rowOf,
  type FrameNumber,
  type Gate,
  type Upcalls,
  type Window,
} from "@exolith/exokernel/abi";
import type { Rig } from "@exolith/exokernel/testing";

const own = capSlot(0);

/** The frame in which workers count, one word each; whoever was granted `COUNTERS_NAME` may write to it. */
export const COUNTERS: FrameNumber = frame(200);
/** The name that guards it. */
export const COUNTERS_NAME: readonly number[] = [9];

/** A worker, and how far it has come. */
export interface Worker {
  readonly gate: Gate;
  /** Iterations, as it counts them in shared memory. */
  iterations(): number;
  /** Slices that it was given. */
  slices(): number;
}

/** Shared counters, and workers without a slice of their own that count in them. */
export function makeWorkers(rig: Rig, count: number): Worker[] {
  const keeper = rig.environment(COUNTERS_NAME);
  must(keeper.framesAlloc(COUNTERS, 1, own));
  const read = must(keeper.windowBind(COUNTERS, 1, false, own));
  return Array.from({ length: count }, (_, index) => {
    const gate = rig.environment([8, index], { upcalls: (mine) => spinning(mine, index) });
    rig.grant(gate, { name: COUNTERS_NAME, rights: 1 });
    return {
      gate,
      iterations: () => read.getU32(index * 4),
      slices: () => gate.environments.slicesBegun(rowOf(gate.self)),
    };
  });
}

/** Bytes that one iteration fills: what it costs in simulated time. */
const BYTES = 4096;

/** Entry points that fill memory, over and over, until the slice ends. */
function spinning(gate: Gate, index: number): Upcalls {
  const toCounters = capSlot(1);
  const page = frame(100 + index);
  must(gate.framesAlloc(page, 1, own));
  const scratch = must(gate.windowBind(page, 1, true, own));
  let counters: Window | undefined;
  return {
    sliceBegin: () => {
      counters ??= must(gate.windowBind(COUNTERS, 1, true, toCounters));
      while (gate.clock.now() < gate.slices.ends()) {
        scratch.fill(0, BYTES, index);
        counters.setU32(index * 4, counters.getU32(index * 4) + 1);
      }
    },
  };
}
