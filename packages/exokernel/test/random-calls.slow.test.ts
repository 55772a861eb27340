/** The random calls again, fifty times as many. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PAIRS, countLines, doneShare, missingEvents } from "./random-calls.ts";
import { FILL_NAMES, makeFilledWorld } from "./random-fills.ts";
import { runWorld, stretches } from "./random-run.ts";
import { makeCounts, makeWorld } from "./random-world.ts";

const CALLS = 50_000_000;
const STEPS = 20_000;
const HOURS = 3_600_000;

test(
  "the kernel survives 50,000,000 random calls of several environments",
  () => {
    const counts = makeCounts();
    let round = 0;
    for (let shown = 0; counts.total < CALLS; round++) {
      const name = FILL_NAMES[round % (3 * FILL_NAMES.length)];
      const make = () => (name === undefined ? makeWorld(counts) : makeFilledWorld(name, counts));
      fc.assert(
        fc.property(stretches(STEPS), (run) => runWorld(make(), run)),
        {
          numRuns: name === undefined ? 20 : 1,
          interruptAfterTimeLimit: HOURS,
          markInterruptAsFailure: true,
        },
      );
      if (counts.total < shown + CALLS / 50) continue;
      shown = counts.total;
      console.log(`${shown} calls`);
    }
    console.log(countLines(counts).join("\n"));
    expect(doneShare(counts)).toBeGreaterThan(0.3);
    expect(PAIRS.filter((pair) => !counts.refused.has(pair))).toEqual([]);
    expect(missingEvents(counts)).toEqual([]);
  },
  4 * HOURS,
);
