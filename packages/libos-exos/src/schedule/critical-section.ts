/** Robust critical sections: a slice that ends inside one is given up at its exit (SOSP'97 section 3.3). */
import type { Gate } from "@exolith/exokernel/abi";

/**
 * The critical sections of one environment, over whatever it shares with others.
 *
 * No lock, no kernel call, no trust in peers: on one processor nobody else runs
 * until the slice is given up, and an environment that dies inside a section
 * holds nothing that another would wait for. What it left half done is for the
 * next to find: keep what is shared such that it can be told.
 *
 * Staying inside is paid for as any overrun is: with a later slice for each
 * tick after the end of this one.
 */
export interface CriticalSection {
  /** Sections that are open, nested in one another. */
  readonly depth: number;
  /** True when the end of the slice was noticed inside the open section. */
  readonly interrupted: boolean;
  /** Opens a section. */
  enter(): void;
  /** Closes the innermost section; true when the slice ended meanwhile and is to be given up right away. */
  exit(): boolean;
  /**
   * The tick check, for the loop of a program and its end-of-slice entry.
   *
   * True when the slice has ended and is to be given up. Inside a section that
   * is noted instead, and the program goes on to its `exit`.
   */
  tick(): boolean;
}

/** Critical sections by the published clock and the interval timer's deadline. All of it is O(1). */
export function makeCriticalSection({ clock, slices }: Pick<Gate, "clock" | "slices">): CriticalSection {
  let depth = 0;
  let interrupted = false;
  const isOver = (): boolean => clock.now() >= slices.ends();
  return {
    get depth() {
      return depth;
    },
    get interrupted() {
      return interrupted;
    },
    enter: () => {
      depth += 1;
    },
    exit: () => {
      if (depth === 0) throw new Error("no critical section is open");
      depth -= 1;
      if (depth > 0) return false;
      const isDue = interrupted || isOver();
      interrupted = false;
      return isDue;
    },
    tick: () => {
      if (!isOver()) return false;
      if (depth === 0) return true;
      interrupted = true;
      return false;
    },
  };
}
