/**
 * The processor as a linear vector of time slices, allocated by position
 * (SOSP'95 section 5.1.1). The scheduler goes round it.
 */
import type { Guard } from "../capability/guard.ts";

/** Positions and who holds them. */
export interface SliceVector {
  readonly count: number;
  /** EnvId per position, 0 when free. */
  readonly owner: Uint32Array;
  readonly guards: (Guard | undefined)[];
  /** Length of a slice, cycles. */
  readonly quantum: number;
  /** The position that is running or ran last. */
  current: number;
  /** Times that it was searched for somebody to run. */
  scans: number;
}

/** A vector of `count` free positions. */
export const makeSliceVector = (count: number, quantum: number): SliceVector => ({
  count,
  owner: new Uint32Array(count),
  guards: new Array<Guard | undefined>(count).fill(undefined),
  quantum,
  current: count - 1,
  scans: 0,
});
