/** Access through windows, beside the same loops over a plain `DataView`. */
import type { Window } from "@exolith/exokernel/abi";
import { sink, type Operation } from "./world.ts";

/** Offsets of one pass, all of them multiples of 4 inside the memory. */
const OFFSETS = 4096;

/** How offsets follow one another. */
export type Order = "sequential" | "random";

/** Offsets in a memory of `length` bytes; the random ones are the same in every run. */
function offsetsIn(length: number, order: Order): Uint32Array {
  const offsets = new Uint32Array(OFFSETS);
  let state = 1;
  for (let i = 0; i < OFFSETS; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    offsets[i] = (order === "random" ? (state >>> 8) * 4 : i * 4) % length;
  }
  return offsets;
}

/** One access at `at`; what it read, or 0. */
type Access<T> = (memory: T, at: number) => number;

/**
 * A loop over offsets for one kind of memory and access, which nothing else shares: made anew for each.
 *
 * Compiled from its text, so that each loop has types of its own, as it has in a program.
 */
function loopOf<T>(
  access: Access<T>,
): (memories: readonly T[], offsets: Uint32Array, times: number) => number {
  const text = `"use strict"; return (memories, offsets, times) => {
    const access = ${access.toString()};
    let sum = 0;
    for (let done = 0, turn = 0; done < times; turn++) {
      const memory = memories[turn % memories.length];
      const end = Math.min(offsets.length, times - done);
      for (let i = 0; i < end; i++) sum += access(memory, offsets[i]);
      done += end;
    }
    return sum;
  };`;
  return new Function(text)() as ReturnType<typeof loopOf<T>>;
}

/** Loops that do the same, over windows and over views. */
interface Pair {
  readonly name: string;
  readonly window: Access<Window>;
  readonly view: Access<DataView>;
}

const PAIRS: readonly Pair[] = [
  { name: "read u8", window: (m, at) => m.getU8(at), view: (m, at) => m.getUint8(at) },
  { name: "read u32", window: (m, at) => m.getU32(at), view: (m, at) => m.getUint32(at) },
  {
    name: "write u8",
    window: (m, at) => (m.setU8(at, at), 0),
    view: (m, at) => (m.setUint8(at, at), 0),
  },
  {
    name: "write u32",
    window: (m, at) => (m.setU32(at, at), 0),
    view: (m, at) => (m.setUint32(at, at), 0),
  },
];

/** One access, of both kinds. */
export interface WindowPair {
  readonly name: string;
  readonly window: Operation;
  readonly view: Operation;
}

/** Every access in both orders, over `windows` and over as many plain views of the same length. */
export function windowPairs(windows: readonly Window[]): readonly WindowPair[] {
  const length = windows[0]?.length ?? 0;
  const views = windows.map(() => new DataView(new ArrayBuffer(length)));
  const operation = <T>(name: string, access: Access<T>, memories: readonly T[], order: Order): Operation => {
    const loop = loopOf(access);
    const offsets = offsetsIn(length, order);
    return { name, run: (times) => void (sink.value += loop(memories, offsets, times)) };
  };
  return (["sequential", "random"] as const).flatMap((order) =>
    PAIRS.map(({ name, window, view }) => ({
      name: `${name}, ${order}`,
      window: operation(`window ${name}, ${order}`, window, windows, order),
      view: operation(`DataView ${name}, ${order}`, view, views, order),
    })),
  );
}
