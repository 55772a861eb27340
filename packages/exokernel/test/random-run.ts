/** A run of random steps in a world, and what must hold during it and after everybody's end. */
import { MODERN_3GHZ } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import type { Gate, GateCalls, Window } from "../src/abi/index.ts";
import { environmentRelease } from "../src/environment/destroy.ts";
import { step } from "../src/step.ts";
import { checkTables } from "../src/testing/index.ts";
import { checkKernel, tables } from "./check-kernel.ts";
import { argumentsOf } from "./random-arguments.ts";
import { callAtRandom, makeCall } from "./random-calls.ts";
import { isExpected } from "./random-trap.ts";
import { addActor, isAlive, passTime, type World } from "./random-world.ts";

/** Random calls that one step may make inside others and inside upcalls. */
const BUDGET = 24;
/** Repetitions of a call with the same arguments, which fill what can be filled. */
const BURST = 80;
const BURSTS: readonly (keyof GateCalls)[] = [
  "messageSend",
  "messageSend",
  "transmit",
  "frameAllocAny",
  "capabilityForge",
  "extentRead",
  "extentWrite",
  "dmaCopy",
  "regionCreate",
  "revocationAsk",
];

/** One step from one word: a call, a burst of calls, a touch of memory, or some time. */
export function act(world: World, word: number): void {
  const { dice, known } = world;
  dice.reset(word);
  world.budget = BUDGET;
  const choice = dice.below(400);
  if (choice < 40) passTime(world, dice.below(20_000));
  else if (choice < 60) touch(world);
  else {
    const gate = chooseGate(world);
    try {
      if (choice === 60) burst(world, gate);
      else callAtRandom(world, gate);
    } catch (reason) {
      if (!isExpected(reason)) throw reason;
    }
  }
  if (world.failures.length > 0) throw world.failures[0];
  for (let i = 0; i < known.actors.length; i++)
    if (!isAlive(world, known.actors[i] as Gate)) addActor(world, i);
}

function chooseGate(world: World): Gate {
  const { dice, known, root } = world;
  const child = dice.once(8) ? dice.pick(known.children) : undefined;
  return child ?? dice.pick(known.actors.filter((actor) => isAlive(world, actor))) ?? root;
}

function burst(world: World, gate: Gate): void {
  const name = world.dice.pick(BURSTS) ?? "nullCall";
  const args = argumentsOf(world, gate, name);
  for (let i = 0; i < BURST; i++) makeCall(world, gate, name, args);
}

/** Somebody writes to memory of its own, or draws. */
function touch({ dice, known }: World): void {
  const window = dice.pick(known.windows) as Window | undefined;
  const port = dice.pick(known.ports) as { fill(...rectangle: number[]): number } | undefined;
  port?.fill(dice.below(70), dice.below(40), dice.below(9), dice.below(9), dice.below(2 ** 24));
  if (window === undefined || window.length === 0) return;
  try {
    if (dice.once(2)) window.fill(0, 64, 0);
    else window.setU32(4 * dice.below(512), dice.once(2) ? dice.below(100) : RIGHTS.all);
  } catch (reason) {
    if (!(reason instanceof TypeError)) throw reason;
  }
}

/** Some steps in a row, which fast-check can leave out, or cut short. */
export interface Stretch {
  readonly seed: number;
  readonly steps: number;
}

const STRETCH = 50;

/** Runs of at most `most` steps, in at least `least` stretches; no length is drawn more often than others. */
export const stretches = (most: number, least: number = 1): fc.Arbitrary<Stretch[]> =>
  fc.noBias(
    fc.array(fc.record({ seed: fc.nat(2 ** 30), steps: fc.integer({ min: 1, max: STRETCH }) }), {
      minLength: least,
      maxLength: Math.ceil(most / STRETCH),
      size: "max",
    }),
  );

/** The words of a run: one a step, from each stretch's seed. */
export function* wordsOf(run: readonly Stretch[]): Generator<number> {
  for (const { seed, steps } of run) for (let i = 0; i < steps; i++) yield Math.imul(seed, 0x85eb_ca6b) + i;
}

/** Steps between two looks at every invariant. */
const CHECK_EVERY = 40;

/** Takes the steps of `run`, checks every invariant now and then, and everything at the end. */
export function runWorld(world: World, run: readonly Stretch[], checkEvery: number = CHECK_EVERY): void {
  let taken = 0;
  for (const word of wordsOf(run)) {
    act(world, word);
    taken += 1;
    if (taken % checkEvery === 0) checkAll(world);
  }
  endAll(world);
}

/** Checks every invariant, from inside and as everybody sees it. */
export function checkAll({ kernel, root }: World): void {
  checkKernel(kernel);
  checkTables(root);
}

/** Ends everybody, waits for the devices, and finds nothing held but the frames that are the kernel's own. */
export function endAll(world: World): void {
  const { kernel, machine } = world;
  checkAll(world);
  for (const environment of kernel.environments.rows) {
    if (environment === undefined) continue;
    environmentRelease(kernel, environment);
    checkKernel(kernel);
  }
  const { revocations, transfers, dma } = kernel;
  const inFlight = (): number => transfers.size + revocations.queued.length + dma.copies.size;
  for (let i = 0; i < 1000 && inFlight() > 0; i++) {
    machine.clock.advance((machine.clock.now() + MODERN_3GHZ.hertz / 100) as never);
    step(kernel);
  }
  checkAll(world);
  const held = {
    inFlight: inFlight(),
    windows: kernel.windows.size,
    addressSpacesInArena: kernel.spaces.rows.filter((space) => space !== undefined).length,
    frames: kernel.systemFrame - kernel.frames.free,
    rows: tables(kernel).reduce((sum, { ids }) => sum + ids.taken(), 0),
    slices: kernel.slices.owner.filter((owner) => owner !== 0).length,
    demands: revocations.open.size,
    addressSpaces: kernel.addressSpaces.holders.filter((holder) => holder !== undefined).length,
    acceptors: kernel.acceptors.reduce((sum, asked) => sum + asked.size, 0),
  };
  const left = Object.entries(held).filter(([, count]) => count !== 0);
  if (left.length > 0)
    throw new Error(`held after everybody's end: ${JSON.stringify(Object.fromEntries(left))}`);
}
