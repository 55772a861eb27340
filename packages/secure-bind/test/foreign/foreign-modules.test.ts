/** Modules that nobody here wrote: each is refused with a reason, or runs inside its bounds. */
import { expect, test } from "vitest";
import { FEATURES, Numbers, compiledModules, damaged, fuzzModules } from "./generate.ts";
import { type Tally, makeTally, runAlone, runBeside } from "./run.ts";

const SEED = 20_000;
const ROUNDS = 40;
const COPIES = 60;

/** Made once: most of the time goes into making them. */
const plain = fuzzModules(16, SEED, FEATURES.plain);
const vectors = plain.then(() => fuzzModules(8, SEED, FEATURES.vectors));

const compiled = compiledModules();

const refusals = ({ refused }: Tally): number => [...refused.values()].reduce((sum, each) => sum + each, 0);

test.each([
  ["plain", plain],
  ["with vectors and references", vectors],
] as const)(
  "modules of binaryen's fuzzer do in the sandbox what they do outside: %s",
  async (_name, made) => {
    const tally = makeTally();
    const modules = await made;
    for (const bytes of modules) runBeside(bytes, ROUNDS, new Numbers(SEED), tally);
    expect(tally.ran).toBeGreaterThanOrEqual((modules.length * 3) / 4);
    expect(tally.agreed).toBeGreaterThan(100 * modules.length);
  },
  120_000,
);

test("what a compiler made does in the sandbox what it does outside", async () => {
  const tally = makeTally();
  for (const bytes of await compiled) runBeside(bytes, 20, new Numbers(SEED), tally);
  expect(tally.ran).toBe(3);
  expect(tally.agreed).toBeGreaterThan(100);
}, 120_000);

test("damaged modules are refused with a reason or stay in their bounds", async () => {
  const tally = makeTally();
  const numbers = new Numbers(SEED);
  const whole = [...(await plain).slice(0, 4), ...(await vectors).slice(0, 4), ...(await compiled)];
  for (const bytes of whole)
    for (let i = 0; i < COPIES; i++) runAlone(damaged(bytes, numbers), numbers, tally);
  expect(tally.ran).toBeGreaterThan(20);
  expect(refusals(tally)).toBeGreaterThan(100);
}, 120_000);

test("modules with every feature there is are refused by name, or stay in their bounds", async () => {
  const tally = makeTally();
  for (const bytes of await fuzzModules(4, SEED + 500, FEATURES.all))
    runAlone(bytes, new Numbers(SEED), tally);
  expect(tally.ran + refusals(tally)).toBe(4);
}, 120_000);
