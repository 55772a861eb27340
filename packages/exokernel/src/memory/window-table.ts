/** Live windows, found by their owner and by the frames under them. */
import type { BoundWindow, WindowBinding } from "./bound-window.ts";

/** Frames of one neighbourhood: a window is looked for only near the frames it covers. */
const NEIGHBOURHOOD = 64;

/** Every live window of a kernel. */
export interface WindowTable extends Iterable<BoundWindow> {
  readonly size: number;
  add(window: BoundWindow, binding: WindowBinding): void;
  remove(window: BoundWindow, binding: WindowBinding): void;
  /** How many the environment in row `owner` has. O(1). */
  countOf(owner: number): number;
  /** Those of the environment in row `owner`, as they are now. */
  of(owner: number): readonly BoundWindow[];
  /** Those near the frames from `first` up to `end`, as they are now; look at their bindings. O(windows there). */
  near(first: number, end: number): readonly BoundWindow[];
}

/** A table for a machine of `frames` frames and `environments` environments. */
export function makeWindowTable(frames: number, environments: number): WindowTable {
  const all = new Set<BoundWindow>();
  const owned = Array.from({ length: environments }, () => new Set<BoundWindow>());
  const near = Array.from({ length: Math.ceil(frames / NEIGHBOURHOOD) }, () => new Set<BoundWindow>());
  const neighbourhoods = function* (first: number, end: number): Generator<Set<BoundWindow>> {
    for (let i = Math.floor(first / NEIGHBOURHOOD); i * NEIGHBOURHOOD < end; i++) {
      const set = near[i];
      if (set !== undefined) yield set;
    }
  };
  return {
    get size() {
      return all.size;
    },
    [Symbol.iterator]: () => all[Symbol.iterator](),
    add: (window, { first, count, owner }) => {
      all.add(window);
      owned[owner]?.add(window);
      for (const set of neighbourhoods(first, first + count)) set.add(window);
    },
    remove: (window, { first, count, owner }) => {
      all.delete(window);
      owned[owner]?.delete(window);
      for (const set of neighbourhoods(first, first + count)) set.delete(window);
    },
    countOf: (owner) => owned[owner]?.size ?? 0,
    of: (owner) => [...(owned[owner] ?? [])],
    near: (first, end) => [...neighbourhoods(first, end)].flatMap((set) => [...set]),
  };
}
