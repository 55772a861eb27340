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
  /** Positions that somebody holds, and by position the next of them: nobody looks at the others. */
  held: number;
  readonly next: Uint16Array;
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
  held: 0,
  next: new Uint16Array(count),
  guards: new Array<Guard | undefined>(count).fill(undefined),
  quantum,
  current: count - 1,
  scans: 0,
});

/** Gives a position to the environment `holder`, 0 for nobody. O(positions). */
export function setHolder(slices: SliceVector, index: number, holder: number): void {
  const { count, owner, next } = slices;
  owner[index] = holder;
  slices.held = 0;
  for (let i = 2 * count - 1, after = 0; i >= 0; i--) {
    next[i % count] = after;
    if (owner[i % count] !== 0) after = i % count;
    if (i < count && owner[i] !== 0) slices.held += 1;
  }
}
