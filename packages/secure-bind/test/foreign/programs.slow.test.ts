/** The same with many more modules, schedules and copies: see programs.test.ts. */
import { expect, test } from "vitest";
import { C_LEVELS, compiledC } from "./c-modules.ts";
import { FEATURES, Numbers, compiledModules, damaged, fuzzModules } from "./generate.ts";
import { SPACE_MODES } from "./program-space.ts";
import { randomProgram } from "./random-program.ts";
import {
  SCHEDULES,
  makeProgramTally,
  makeSpaces,
  rewriteFor,
  runBesideRaw,
  runCorrupted,
  runDamaged,
} from "./run-program.ts";

const SEED = 2_000_000;
const PAGES = 18;

const ours = (i: number): Uint8Array => randomProgram(new Numbers(SEED + 7_919 * i), i % 2 === 1);
const fuzzed = fuzzModules(64, SEED, FEATURES.plain).then(async (plain) => [
  ...plain,
  ...(await fuzzModules(32, SEED + 1_000, FEATURES.simd)),
  ...(await fuzzModules(16, SEED + 2_000, FEATURES.vectors)),
]);

test("100,000 module-runs and more: raw beside rewritten, suspended everywhere", async () => {
  const tally = makeProgramTally();
  const spaces = makeSpaces(PAGES);
  const foreign = [...(await fuzzed), ...(await compiledModules())];
  for (const level of C_LEVELS) foreign.push(compiledC(level) ?? ours(0));
  const seeds = Array.from({ length: 8 }, (_, i) => SEED + i);
  for (const [i, bytes] of foreign.entries()) runBesideRaw(bytes, spaces, i < 112 ? seeds : [SEED], tally);
  const each = 2 * SPACE_MODES.length * SCHEDULES.length;
  for (let i = 0; tally.runs < 100_000 + each; i++)
    runBesideRaw(ours(i), spaces, [SEED + i, SEED - i], tally);
  console.log(tally);
  expect(tally.runs).toBeGreaterThan(100_000);
  expect(tally.bounded).toBeLessThan(tally.runs / 20);
  expect([...tally.refused.keys()].every((what) => /references|as it is/.test(what))).toBe(true);
}, 1_800_000);

test("60,000 damaged modules are refused with a reason or stay in their bounds", async () => {
  const tally = makeProgramTally();
  const numbers = new Numbers(SEED);
  const whole = [...(await fuzzed), ...(await compiledModules())];
  for (let i = 0; i < 100; i++) whole.push(ours(i));
  const spaces = makeSpaces(PAGES);
  for (let i = 0; i < 20_000; i++) {
    const bytes = damaged(whole[i % whole.length] as Uint8Array, numbers);
    for (const space of spaces) runDamaged(bytes, space, numbers, tally);
    if (i % 100 === 0) for (const space of spaces) expect(space.isIntact()).toBe(true);
  }
  expect(tally.runs).toBeGreaterThan(5_000);
}, 1_800_000);

test("6,000 runs with contexts that are changed while a program is suspended", () => {
  const tally = makeProgramTally();
  for (const space of makeSpaces(6))
    for (let i = 0; i < 2_000; i++) {
      const rewritten = rewriteFor(ours(i % 400), space.mode, tally);
      if (rewritten !== undefined) runCorrupted(rewritten, space, new Numbers(SEED + i), tally);
      if (i % 20 === 0) expect(space.isIntact()).toBe(true);
    }
  expect(tally.runs).toBe(6_000);
}, 1_800_000);
