/** The same with many more modules and copies: see foreign-modules.test.ts. */
import { expect, test } from "vitest";
import { FEATURES, Numbers, compiledModules, damaged, fuzzModules } from "./generate.ts";
import { makeTally, runAlone, runBeside } from "./run.ts";

const SEED = 1_000_000;

test("600 modules of binaryen's fuzzer do in the sandbox what they do outside, 100,000 calls and more", async () => {
  const tally = makeTally();
  for (const bytes of await fuzzModules(600, SEED, FEATURES.plain))
    runBeside(bytes, 60, new Numbers(SEED), tally);
  for (const bytes of await fuzzModules(200, SEED + 10_000, FEATURES.vectors))
    runBeside(bytes, 60, new Numbers(SEED), tally);
  expect(tally.ran).toBeGreaterThan(600);
  expect(tally.agreed).toBeGreaterThan(100_000);
}, 900_000);

test("100,000 damaged modules are refused with a reason or stay in their bounds", async () => {
  const tally = makeTally();
  const numbers = new Numbers(SEED);
  const whole = [
    ...(await fuzzModules(100, SEED + 20_000, FEATURES.plain)),
    ...(await fuzzModules(100, SEED + 30_000, FEATURES.vectors)),
    ...(await compiledModules()),
  ];
  for (let i = 0; i < 100_000; i++)
    runAlone(damaged(whole[i % whole.length] ?? new Uint8Array(8), numbers), numbers, tally);
  expect(tally.ran).toBeGreaterThan(5000);
}, 900_000);
