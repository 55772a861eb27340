/** Counted work: what does not depend on the host or on who else uses it. */
import type { Filter, Verified } from "@exolith/secure-bind";
import { WORDS } from "./accumulator.ts";
import { makeLinear } from "./linear.ts";
import type { MakeMatcher, WatchProgram } from "./matcher.ts";
import { MATCHER, MATCHERS, type MatcherName } from "./matchers.ts";
import { makeMpf } from "./mpf.ts";
import { makeScene, type Scene } from "./scene.ts";
import type { Trace } from "./trace.ts";

/** What a matcher does for one frame, on average over a trace. */
export interface Work {
  readonly filters: number;
  readonly matcher: MatcherName;
  /** Bytes of the frame that are read, each time they are. */
  readonly bytes: number;
  /** Instructions of filter programs that are interpreted; absent where there are none. */
  readonly instructions?: number;
}

const FRAMES = 1024;
/** With more filters, trying one after the other is not watched: it takes too long, and nothing new is to be seen. */
const LINEAR_FILTERS = 1000;

/** An array that counts the elements read from it for which `counts` holds, and is the same otherwise. */
function watched<T extends Uint8Array | Int32Array>(
  array: T,
  counts: (index: number) => boolean,
  onRead: () => void,
): T {
  return new Proxy(array, {
    get: (target, name) => {
      const index = typeof name === "string" ? Number(name) : Number.NaN;
      if (Number.isInteger(index) && counts(index)) onRead();
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

const runAll = (classify: ReturnType<MakeMatcher>, { memory, at, length }: Trace): void => {
  for (const [i, from] of at.entries()) classify(memory, from, length[i] ?? 0);
};

/** Methods of views that read, and how many bytes. */
const READERS = { getUint8: 1, getUint16: 2, getInt32: 4, getUint32: 4 } as const;

/** Counts, while `run` runs, the bytes that are read through any view. */
function watchViews(run: () => void, onRead: (bytes: number) => void): void {
  const { prototype } = DataView;
  const names = Object.keys(READERS) as (keyof typeof READERS)[];
  const originals = names.map((name) => [name, prototype[name]] as const);
  for (const [name, original] of originals)
    prototype[name] = function (this: DataView, at: number, isLittle?: boolean) {
      onRead(READERS[name]);
      return original.call(this, at, isLittle);
    };
  try {
    run();
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
}

/** Bytes of frames that are read, whether by index or through a view of the same memory. */
function bytesRead(make: MakeMatcher, { filters, trace }: Scene): number {
  let reads = 0;
  const classify = make(filters);
  runAll(classify, trace);
  const always = (): boolean => true;
  const memory = watched(trace.memory, always, () => reads++);
  watchViews(
    () => runAll(classify, { ...trace, memory }),
    (bytes) => (reads += bytes),
  );
  return reads / trace.at.length;
}

type MakeWatched = (filters: readonly Verified<Filter>[], watch: WatchProgram) => ReturnType<MakeMatcher>;

function instructionsRun(make: MakeWatched, { filters, trace }: Scene): number {
  let reads = 0;
  const isOperation = (index: number): boolean => index % WORDS === 0;
  runAll(
    make(filters, (program) => watched(program, isOperation, () => reads++)),
    trace,
  );
  return reads / trace.at.length;
}

const PROGRAMS: Partial<Record<MatcherName, MakeWatched>> = {
  [MATCHER.mpf]: makeMpf,
  [MATCHER.linear]: makeLinear,
};

/** Counts the work of the matchers in this program, with `filters` filters. */
export function countWork(filters: number, seed: number): readonly Work[] {
  const scene = makeScene(filters, FRAMES, seed);
  const matchers = MATCHERS.filter(({ isLinear = false }) => !isLinear || filters <= LINEAR_FILTERS);
  return matchers.map(({ name, make }) => {
    const bytes = bytesRead(make, scene);
    const watchable = PROGRAMS[name];
    if (watchable === undefined) return { filters, matcher: name, bytes };
    return { filters, matcher: name, bytes, instructions: instructionsRun(watchable, scene) };
  });
}
