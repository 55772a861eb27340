/** Rounds in which everything that is compared takes its turn, and ratios within each round. */
import { figure, type Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";

/** One thing that is measured: a number of nanoseconds each time it is asked. */
export interface Measured {
  readonly name: string;
  round(): number | Promise<number>;
}

/** Every round's figure, by name. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Measures each in turn, round after round. */
export async function sampled(
  subjects: readonly Measured[],
  { counted, warmUp }: Rounds,
  say: (line: string) => void,
): Promise<Samples> {
  const samples = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < counted; round++) {
    for (const subject of subjects) {
      const one = await subject.round();
      if (round >= 0) samples.get(subject.name)?.push(one);
    }
    if (round >= 0) say(`round ${round + 1} of ${counted}`);
  }
  return samples;
}

/** All rounds of one; throws for what was not measured. */
export function samplesOf(samples: Samples, name: string): readonly number[] {
  const found = samples.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

/** What one took. */
export const figureOf = (samples: Samples, name: string): Figure => figure(samplesOf(samples, name));

/** `ours` as a multiple of `theirs`, each round by itself: both saw the same disturbance. */
export function ratioOf(samples: Samples, ours: string, theirs: string): Figure {
  const others = samplesOf(samples, theirs);
  return figure(samplesOf(samples, ours).map((value, round) => value / (others[round] ?? Number.NaN)));
}

/** The geometric mean. Throws on none. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
