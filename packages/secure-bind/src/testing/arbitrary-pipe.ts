/** Arbitrary pipes and ranges for them, for property tests with fast-check. */
import * as fc from "fast-check";
import { type Pipe, type PipeStage, byteSwap, internetChecksum, pipeUnit, xorWord } from "../pipe/term.ts";
import { PIPE_STAGES, verifyPipe } from "../pipe/verify.ts";
import { isRefusal } from "../refusal.ts";
import type { Verified } from "../verified.ts";

/** `pipe`, verified. **Fails** throws when it is refused. */
export function mustVerifyPipe(pipe: Pipe): Verified<Pipe> {
  const result = verifyPipe(pipe);
  if (isRefusal(result)) throw new Error(`pipe refused: ${result.rule} at stage ${result.term}`);
  return result;
}

const arbitraryStage = (): fc.Arbitrary<PipeStage> =>
  fc.oneof(
    fc.constant(internetChecksum()),
    fc.constantFrom(2 as const, 4 as const, 8 as const).map(byteSwap),
    fc.oneof(fc.constantFrom(0, 1, 0xff00_0000, 0xffff_ffff), fc.nat(0xffff_ffff)).map(xorWord),
  );

/** Pipes of at most `stages` stages, the empty one among them. */
export const arbitraryPipe = (stages: number = PIPE_STAGES): fc.Arbitrary<Pipe> =>
  fc.array(arbitraryStage(), { maxLength: stages });

/** Two ranges of a memory. */
export interface PlacedRun {
  readonly destination: number;
  readonly source: number;
  readonly length: number;
}

/** What a range may be at most: its two places and its length together are inside `PIPE_MEMORY_BYTES`. */
const FAR = 4096;
const LONGEST = 3000;

/** Bytes of memory that every `arbitraryRun` lies in. */
export const PIPE_MEMORY_BYTES: number = 2 * FAR + LONGEST;

/** Lengths around everything that a loop does at once, and others. */
const arbitraryLength = (): fc.Arbitrary<number> =>
  fc.oneof({ weight: 3, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(LONGEST) });

/** Ranges in place, near each other, and far away, at any alignment; mostly of whole units of `pipe`. */
export const arbitraryRun = (pipe: Pipe): fc.Arbitrary<PlacedRun> =>
  fc
    .record({
      source: fc.nat(FAR),
      distance: fc.oneof(
        fc.constant(0),
        fc.integer({ min: -70, max: 70 }),
        fc.integer({ min: -FAR, max: FAR }),
      ),
      length: arbitraryLength(),
      isWhole: fc.nat(9).map((n) => n > 0),
    })
    .map(({ source, distance, length, isWhole }) => ({
      source,
      destination: Math.max(0, source + distance),
      length: isWhole ? length - (length % pipeUnit(pipe)) : length,
    }));
