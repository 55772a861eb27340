/** Running a pipe in both ways: for differential tests. */
import type { CompiledPipe } from "../pipe/compile.ts";
import { NO_SUM, interpretPipe } from "../pipe/interpret.ts";
import type { Pipe } from "../pipe/term.ts";
import type { PlacedRun } from "./arbitrary-pipe.ts";

/** The first index at which two arrays of one length differ, or -1. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

/**
 * Runs `pipe` interpreted over a copy of `bytes`, and compiled over `bytes` itself; how they differ, if they do.
 *
 * `bytes` is the memory that `compiled` is for, or its beginning. Compared are
 * the answer, every sum and all of `bytes`.
 */
export function runBoth(
  pipe: Pipe,
  compiled: CompiledPipe,
  bytes: Uint8Array,
  { destination, source, length }: PlacedRun,
): string | undefined {
  const expected = bytes.slice();
  const sumsOf = (): number[] => pipe.map((_, stage) => compiled.sum(stage));
  const before = sumsOf();
  const interpreted = interpretPipe(pipe, expected, destination, source, length);
  const answer = compiled.run(destination, source, length);
  const sums = interpreted ?? before;
  const wanted = interpreted === undefined ? NO_SUM : (interpreted.find((sum) => sum !== NO_SUM) ?? 0);
  const what = `${destination} <- ${source}, ${length} bytes of ${JSON.stringify(pipe)}`;
  if (answer !== wanted) return `${what}: ${answer}, not ${wanted}`;
  const sum = difference(sumsOf(), sums);
  if (sum >= 0) return `${what}: stage ${sum} has ${compiled.sum(sum)}, not ${sums[sum]}`;
  const at = difference(bytes, expected);
  return at < 0 ? undefined : `${what}: byte ${at} is ${bytes[at]}, not ${expected[at]}`;
}
