/** Programs that nobody here wrote: suspended at every place, in every kind of memory, they do what they did before. */
import { expect, test } from "vitest";
import { C_LEVELS, compiledC } from "./c-modules.ts";
import { FEATURES, Numbers, compiledModules, damaged, fuzzModules } from "./generate.ts";
import { SPACE_MODES, makeSpace } from "./program-space.ts";
import { randomProgram } from "./random-program.ts";
import {
  type ProgramTally,
  SCHEDULES,
  ScheduledProgram,
  makeProgramTally,
  makeSpaces,
  rewriteFor,
  runBesideRaw,
  runCorrupted,
  runDamaged,
} from "./run-program.ts";

const SEED = 30_000;
/** Pages of 64 KiB of the largest module here. */
const PAGES = 18;
const EACH = SPACE_MODES.length * SCHEDULES.length;

const made = fuzzModules(2, SEED, FEATURES.plain).then(async (plain) => [
  ...plain,
  ...(await fuzzModules(2, SEED, FEATURES.simd)),
]);
const compiled = compiledModules();
const ours = (count: number, seed: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => randomProgram(new Numbers(seed + 7_919 * i), i % 2 === 1));
const refusals = ({ refused }: ProgramTally): number => [...refused.values()].reduce((sum, n) => sum + n, 0);

test("blocks, branches and calls of every form survive being suspended anywhere", () => {
  const tally = makeProgramTally();
  const spaces = makeSpaces(6);
  for (const [i, bytes] of ours(24, SEED).entries()) runBesideRaw(bytes, spaces, [SEED + i], tally);
  expect(refusals(tally)).toBe(0);
  expect(tally.runs).toBe(24 * EACH);
  expect(tally.agreed).toBeGreaterThan(5 * tally.runs);
  expect(tally.suspensions).toBeGreaterThan(20 * tally.runs);
  expect(tally.misses).toBeGreaterThan(tally.runs);
  expect(tally.bounded).toBeLessThan(tally.runs / 10);
});

test("modules of binaryen's fuzzer do as programs what they do outside", async () => {
  const tally = makeProgramTally();
  const modules = await made;
  const spaces = makeSpaces(PAGES);
  for (const bytes of modules) runBesideRaw(bytes, spaces, [SEED], tally);
  expect(tally.runs).toBeGreaterThanOrEqual((modules.length * EACH * 2) / 3);
  expect(tally.agreed).toBeGreaterThan(5 * tally.runs);
}, 120_000);

test("what a compiler made does as a program what it does outside", async () => {
  const tally = makeProgramTally();
  const spaces = makeSpaces(PAGES);
  for (const bytes of await compiled) runBesideRaw(bytes, spaces, [SEED], tally);
  expect(tally.runs).toBe(3 * EACH);
  expect(tally.agreed).toBe(7 * tally.runs);
}, 120_000);

const levels = C_LEVELS.map((level) => [level, compiledC(level)] as const);
test.skipIf(levels[0]?.[1] === undefined).each(levels)(
  "C compiled with %s calls its host from deep inside, and goes on there",
  (_level, bytes) => {
    const tally = makeProgramTally();
    runBesideRaw(bytes ?? new Uint8Array(0), makeSpaces(PAGES), [SEED], tally);
    expect(tally.runs).toBe(EACH);
    expect(tally.agreed).toBe((2 * 7 + 1) * EACH);
  },
);

test("references that would have to be saved are refused by name", async () => {
  const tally = makeProgramTally();
  for (const bytes of await fuzzModules(2, SEED + 50, FEATURES.vectors))
    for (const mode of SPACE_MODES) if (rewriteFor(bytes, mode, tally) !== undefined) tally.runs += 1;
  const refused = tally.refused.get("Unsupported references where a program is suspended") ?? 0;
  expect(refused + tally.runs).toBe(2 * SPACE_MODES.length);
}, 120_000);

test("damaged modules are refused with a reason or stay in their bounds", async () => {
  const tally = makeProgramTally();
  const numbers = new Numbers(SEED);
  const whole = [...(await made), ...(await compiled), ...ours(20, SEED + 1)];
  const spaces = makeSpaces(PAGES);
  for (let i = 0; i < 250; i++)
    for (const space of spaces)
      runDamaged(damaged(whole[i % whole.length] as Uint8Array, numbers), space, numbers, tally);
  for (const space of spaces) expect(space.isIntact()).toBe(true);
  expect(tally.runs).toBeGreaterThan(100);
  expect(refusals(tally)).toBeGreaterThan(250);
}, 120_000);

test("a context that was changed while a program was suspended leads nowhere but into that program", () => {
  const tally = makeProgramTally();
  for (const space of makeSpaces(6)) {
    for (const [i, bytes] of ours(30, SEED + 2).entries()) {
      const rewritten = rewriteFor(bytes, space.mode, tally);
      if (rewritten !== undefined) runCorrupted(rewritten, space, new Numbers(SEED + i), tally);
    }
    expect(space.isIntact()).toBe(true);
  }
  expect(tally.runs).toBe(30 * SPACE_MODES.length);
  expect(tally.suspensions).toBeGreaterThan(tally.runs);
});

/** What a program's context and memory are at each suspension of a run. */
function history(bytes: Uint8Array, mode: (typeof SPACE_MODES)[number], seed: number): string[] {
  const rewritten = rewriteFor(bytes, mode, makeProgramTally());
  const space = makeSpace(mode, 6);
  const seen: string[] = [];
  if (rewritten === undefined) return seen;
  const schedule = { quantum: 50, checks: 80, calls: 40 };
  const running = new ScheduledProgram(rewritten, space, schedule, new Numbers(seed), (program) => {
    const context = Buffer.from(space.memory.buffer, space.context, program.contextUsed());
    seen.push(`${program.fuel()} ${context.toString("base64")}`);
  });
  running.finish(running.program.initialise());
  for (const { name, parameters } of rewritten.exports)
    running.finish(running.program.enter(name, ...parameters.map((type) => (type === "i64" ? 3n : 3))));
  return seen;
}

test.each(SPACE_MODES)(
  "the same fuel at the same places gives the same context, byte by byte: %s",
  (mode) => {
    for (const [i, bytes] of ours(8, SEED + 3).entries()) {
      const once = history(bytes, mode, i);
      expect(once.length).toBeGreaterThan(0);
      expect(history(bytes, mode, i)).toEqual(once);
    }
  },
);
