/** Agreement: what gives other answers is not worth measuring. */
import type { Classify } from "./matcher.ts";
import type { Trace } from "./trace.ts";

/** The answers of one matcher to all frames of a trace. */
export const answersOf = (classify: Classify, { memory, at, length }: Trace): Int32Array =>
  Int32Array.from(at, (from, i) => classify(memory, from, length[i] ?? 0));

/** Answers, and whose they are. */
export interface Answers {
  readonly name: string;
  readonly tags: Int32Array;
}

/** **Fails** throws when two do not answer alike; says who, what, and for which frame. */
export function demandAgreement(filters: number, all: readonly Answers[]): void {
  const [first, ...others] = all;
  if (first === undefined) throw new RangeError("no answers");
  for (const { name, tags } of others) {
    if (tags.length !== first.tags.length) throw new Error(`${name} has ${tags.length} answers`);
    const frame = tags.findIndex((tag, i) => tag !== first.tags[i]);
    if (frame >= 0)
      throw new Error(
        `of ${filters} filters ${name} chooses ${tags[frame]} for frame ${frame}, ${first.name} ${first.tags[frame]}`,
      );
  }
}
