/** Every filter by itself, one after the other: what a kernel does that has BPF and nothing more. */
import { SCRATCH_WORDS, programOf, runProgram } from "./accumulator.ts";
import type { Filter, Verified } from "@exolith/secure-bind";
import { NO_MATCH, byLength, type Classify, type WatchProgram } from "./matcher.ts";

/** A program for each filter; they are tried in the order of their length until one matches. */
export function makeLinear(
  filters: readonly Verified<Filter>[],
  watch: WatchProgram = (program) => program,
): Classify {
  const scratch = new Int32Array(SCRATCH_WORDS);
  const programs = byLength(filters).map(({ filter, tag }) => watch(programOf(filter, tag)));
  return (memory, at, length) => {
    for (const program of programs) {
      const tag = runProgram(program, scratch, memory, at, length);
      if (tag >= 0) return tag;
    }
    return NO_MATCH;
  };
}
