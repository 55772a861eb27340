/** Random calls of several environments: the kernel survives, its invariants hold, and nothing is left. */
import type { TranslationHardware } from "@exolith/hw-model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CALLS, capSlot, must, type Gate } from "../src/abi/index.ts";
import { checkKernel } from "./check-kernel.ts";
import { PAIRS, countLines, doneShare, missingEvents } from "./random-calls.ts";
import { FILL_NAMES, makeFilledWorld } from "./random-fills.ts";
import { act, runWorld, stretches, wordsOf, type Stretch } from "./random-run.ts";
import { addActor, isAlive, makeCounts, makeWorld, type Counts } from "./random-world.ts";

/** A failure is shrunk for as long, and printed with its seed. */
const PATIENCE = { interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true } as const;

/** Worlds with either kind of translation buffer. */
const worlds = (counts: Counts, most: number): fc.IProperty<[Stretch[], boolean]> =>
  fc.property(stretches(most), fc.boolean(), (run, isSmall) =>
    runWorld(makeWorld(counts, { parts: isSmall ? { translation: SMALL_BUFFER } : {} }), run),
  );

/** Few entries, which the kernel fills. */
const SMALL_BUFFER: TranslationHardware = { entries: 8, refill: "software" };

const MILLION = 1_000_000;
const STEPS = 6000;
const WORLDS = 10;
const FILLED_STEPS = 3000;
const FILLED_STRETCHES = 40;

test("[K16] the kernel survives 1,000,000 random calls of several environments: every invariant of its tables holds, every call is done and refused in every way, and nothing is held when all are gone", () => {
  const counts = makeCounts();
  for (const name of FILL_NAMES)
    fc.assert(
      fc.property(stretches(FILLED_STEPS, FILLED_STRETCHES), (run) =>
        runWorld(makeFilledWorld(name, counts), run),
      ),
      { ...PATIENCE, numRuns: 1 },
    );
  while (counts.total < MILLION) fc.assert(worlds(counts, STEPS), { ...PATIENCE, numRuns: WORLDS });
  console.log(countLines(counts).join("\n"));
  expect(counts.total).toBeGreaterThanOrEqual(MILLION);
  expect(doneShare(counts)).toBeGreaterThan(0.3);
  expect(Object.keys(CALLS).filter((name) => !counts.done.has(name))).toEqual([]);
  expect(PAIRS.filter((pair) => !counts.refused.has(pair))).toEqual([]);
  expect(missingEvents(counts)).toEqual([]);
}, 600_000);

test("every invariant holds after every single one of some random calls", () => {
  fc.assert(
    fc.property(stretches(300), (run) => runWorld(makeWorld(makeCounts()), run, 1)),
    { ...PATIENCE, numRuns: 25 },
  );
});

test("a broken invariant is found, and shrunk to the steps that it takes", () => {
  const broken = fc.property(stretches(400), (run) => {
    const world = makeWorld(makeCounts());
    const { kernel } = world;
    for (const word of wordsOf(run)) {
      act(world, word);
      if (kernel.regions.ids.taken() > 0) kernel.frames.free += 1;
      checkKernel(kernel);
    }
  });
  const found = fc.check(broken, { numRuns: 30, interruptAfterTimeLimit: 30_000 });
  expect(found.failed).toBe(true);
  const [run = []] = found.counterexample ?? [];
  expect(run.length).toBeGreaterThan(0);
  expect(run.reduce((sum, { steps }) => sum + steps, 0)).toBeLessThan(60);
  expect(fc.defaultReportMessage(found)).toContain(`seed: ${found.seed}`);
});

test("an actor for whom there is no room waits for some, and the others go on", () => {
  const world = makeFilledWorld("environments", makeCounts());
  const [first] = world.known.actors as [Gate];
  must(world.root.environmentDestroy(first.self, capSlot(0)));
  must(world.root.environmentCreate(() => ({ sliceBegin: () => {} }), capSlot(0)));
  expect(() => addActor(world, 0)).not.toThrow();
  expect(isAlive(world, world.known.actors[0] as Gate)).toBe(false);
  for (let word = 0; word < 400; word++) act(world, Math.imul(word, 0x85eb_ca6b));
  checkKernel(world.kernel);
});
