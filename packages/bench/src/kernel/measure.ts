/** Measuring: nanoseconds and bytes of heap for one operation, in rounds that all subjects take part in. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { figure, type Figure } from "../statistics.ts";
import type { Operation } from "./world.ts";

/** Something that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** Nanoseconds of one operation, over one round. */
  round(): number | Promise<number>;
}

/** Nanoseconds of one of `times` operations. */
export function timed(run: (times: number) => void, times: number): number {
  const begun = process.hrtime.bigint();
  run(times);
  return Number(process.hrtime.bigint() - begun) / times;
}

/** The subject that an operation of our own is. */
export const subjectOf = ({ name, run }: Operation, times: number): Subject => ({
  name,
  round: () => timed(run, times),
});

/** How many rounds, and how many before them that do not count. */
export interface Rounds {
  readonly counted: number;
  readonly warmUp: number;
}

/** Runs every subject in turn, round after round, so that all see the same disturbance; nanoseconds by name. */
export async function interleaved(
  subjects: readonly Subject[],
  { counted, warmUp }: Rounds,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, Figure>> {
  const values = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < counted; round++) {
    for (const subject of subjects) {
      const one = await subject.round();
      if (round >= 0) values.get(subject.name)?.push(one);
    }
    if (round >= 0) say(`round ${round + 1} of ${counted}`);
  }
  return new Map([...values].map(([name, each]) => [name, figure(each)]));
}

/** Bytes that were ever allocated on the heap; without such a counter, bytes in use. */
function allocatedBytes(): number {
  const statistics = getHeapStatistics() as { total_allocated_bytes?: number; used_heap_size: number };
  return statistics.total_allocated_bytes ?? statistics.used_heap_size;
}

/** Collects garbage now. */
function makeCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Samples of the heap for each operation. */
const HEAP_SAMPLES = 5;

/**
 * Bytes of heap for one of `times` operations: the least of a few samples.
 *
 * What compilers allocate in between is not the operation's; what reading the
 * counter takes itself is measured the same way and taken off.
 */
export function makeHeapMeter(): (run: (times: number) => void, times: number) => number {
  const collect = makeCollector();
  const sample = (run: (times: number) => void, times: number): number => {
    collect();
    const before = allocatedBytes();
    run(times);
    return allocatedBytes() - before;
  };
  const samples = (run: (times: number) => void, times: number): number =>
    Math.min(...Array.from({ length: HEAP_SAMPLES }, () => sample(run, times)));
  return (run, times) => {
    const own = samples(() => {}, times);
    return Math.max(0, samples(run, times) - own) / times;
  };
}
