/** What HTTP's code takes, which the simulated machine does not charge: counts by stage times what a server did. */
import { cyclesOf, type CostProfile, type Stage } from "@exolith/hw-model";
import type { CheetahReaders } from "@exolith/cheetah";
import { WORK } from "../series/work.ts";

/** What Cheetah does in place of the work that every server does; the comments say what one unit is. */
export const SPARING: Readonly<Record<"knownRequest" | "knownWord" | "sharedHead", readonly Stage[]>> = {
  /** One request that came before. */
  knownRequest: [
    { what: "guess taken, length compared, file and generation looked at", instruction: 30, word: 10 },
  ],
  /** Four bytes of it. */
  knownWord: [{ what: "loaded twice, compared, branched on", instruction: 3, word: 2 }],
  /** One head that responses share. */
  sharedHead: [{ what: "place found by file, second compared, users counted", instruction: 20, word: 10 }],
};

/** What a server did with requests so far. */
export interface HttpCounts {
  readonly requests: number;
  /** Requests that were parsed, and the bytes of all requests of which some were parsed. */
  readonly parsed: number;
  readonly remembered: number;
  readonly rememberedBytes: number;
  /** Heads put together field by field, and kept ones that were patched. */
  readonly headsMade: number;
  readonly headsPatched: number;
}

/** Reads a server's counters. */
export const countsOf = (counters: CheetahReaders): HttpCounts => ({
  requests: counters.requests(),
  parsed: counters.requests() - counters.requestsRemembered(),
  remembered: counters.requestsRemembered(),
  rememberedBytes: counters.requestBytesRemembered(),
  headsMade: counters.headsMade(),
  headsPatched: counters.headsPatched(),
});

/** Cycles of that code, for requests of so many bytes in all. */
export function httpCycles({ primitives }: CostProfile, counts: HttpCounts, requestBytes: number): number {
  const of = (stages: readonly Stage[]): number => cyclesOf(stages, primitives);
  const { requests, parsed, remembered, rememberedBytes, headsMade, headsPatched } = counts;
  return (
    parsed * of(WORK.httpRequest) +
    (requestBytes - rememberedBytes) * of(WORK.httpByte) +
    remembered * of(SPARING.knownRequest) +
    Math.ceil(rememberedBytes / 4) * of(SPARING.knownWord) +
    (headsMade + headsPatched) * of(WORK.httpHead) +
    (requests - headsMade - headsPatched) * of(SPARING.sharedHead)
  );
}
