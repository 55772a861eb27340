/** The world of the random calls: a machine with everything, a kernel, and what is known of both. */
import {
  MODERN_3GHZ,
  NEVER,
  after,
  makeLoopback,
  makeSimulatedMachine,
  spaceBytes,
  type Cycles,
  type Disk,
  type SimulatedMachine,
  type SimulatedMachineOptions,
} from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { capSlot, must, rowOf, type Gate, type GateCalls, type Window } from "../src/abi/index.ts";
import type { Kernel } from "../src/kernel.ts";
import { load } from "../src/load.ts";
import { step } from "../src/step.ts";
import type { Trace } from "../src/trace.ts";
import { placeEnvironment } from "../src/testing/index.ts";
import { actor } from "./random-programs.ts";

/** Numbers from one word: xorshift of 32 bits (Marsaglia 2003). */
export class Dice {
  #state = 1;
  /** Begins again from `word`. */
  reset(word: number): void {
    this.#state = Math.imul(word ^ 0x5bd1_e995, 0x9e37_79b1) | 0 || 1;
    this.below(2);
    this.below(2);
  }
  /** A whole number from 0 to below `count`. */
  below(count: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 8) / 2 ** 24) * count);
  }
  /** True once in `count` throws. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }
  /** One of `list`. */
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }
}

/** What was made so far, for arguments to name, alive or dead: the latest of each. */
export interface Known {
  /** Who acts most, by position; one that died is replaced. */
  readonly actors: Gate[];
  /** The gates of environments that others created. */
  readonly children: Gate[];
  readonly environments: unknown[];
  readonly windows: unknown[];
  readonly rings: unknown[];
  readonly messageRings: unknown[];
  readonly filters: unknown[];
  readonly handlers: unknown[];
  readonly transmits: unknown[];
  readonly extents: unknown[];
  readonly streams: unknown[];
  readonly regions: unknown[];
  readonly tokens: { readonly window: Window; readonly at: number }[];
  readonly ports: unknown[];
  readonly programs: unknown[];
}

/** How often each call was done, and refused with what; and what happened besides. */
export interface Counts {
  total: number;
  readonly done: Map<string, number>;
  readonly refused: Map<string, number>;
  /** Kernel events by number: `TRACE_EVENTS`. */
  readonly events: Map<number, number>;
}

/** No call yet. */
export const makeCounts = (): Counts => ({
  total: 0,
  done: new Map(),
  refused: new Map(),
  events: new Map(),
});

/** A trace that only counts. */
const counting = ({ events }: Counts): Trace => ({
  notesCalls: false,
  record: (_, event) => void events.set(event, (events.get(event) ?? 0) + 1),
  read: () => 0,
});

/** A world. */
export interface World {
  readonly machine: SimulatedMachine;
  readonly kernel: Kernel;
  readonly root: Gate;
  readonly dice: Dice;
  readonly known: Known;
  readonly counts: Counts;
  /** Calls that are made more often here. */
  readonly focus: readonly (keyof GateCalls)[];
  /** Random calls that may still be made inside others and inside upcalls before the present step ends. */
  budget: number;
  /** How deep they are nested now. */
  nested: number;
  /** What no call may throw, thrown inside an upcall where nobody else would see it. */
  readonly failures: unknown[];
}

/** How a world differs from the usual one. */
export interface WorldOptions {
  readonly frames?: number;
  readonly parts?: SimulatedMachineOptions;
  readonly focus?: readonly (keyof GateCalls)[];
  readonly actors?: number;
}

const own = capSlot(0);
const FRAMES = 96;
const ACTORS = 5;
const QUANTUM_SECONDS = 1e-5;

/** Names of the devices in the slots 1 to 5 of every actor. */
const DEVICES = [
  [2, 0],
  [3, 0],
  [5, 0],
  [4, 0],
  [6, 0],
];

const { hertz } = MODERN_3GHZ;

function makeMachine(options: WorldOptions): SimulatedMachine {
  const end = { hertz, transmitSlots: 8, receiveSlots: 8 };
  const machine = makeSimulatedMachine({
    frames: options.frames ?? FRAMES,
    nics: [makeLoopback({ ends: [end, end] })],
    disks: [{ blocks: 128, queueSlots: 4 }],
    streams: 1,
    displays: [{ width: 64, height: 32, tile: 8 }],
    dma: { queueSlots: 6 },
    arenaBytes: spaceBytes(12) + 2 * spaceBytes(16),
    ...options.parts,
  });
  for (const disk of machine.disks) makeMoody(disk);
  return machine;
}

/** Has a disk say now and then that only time can tell, as one of a host may. */
function makeMoody(disk: Disk): void {
  const { settle } = disk;
  let asked = 0;
  Object.assign(disk, { settle: (now: Cycles) => ((asked += 1) % 4 === 0 ? NEVER : settle(now)) });
}

/** Switches a world on. `counts` may be that of others before it. */
export function makeWorld(counts: Counts, options: WorldOptions = {}): World {
  const machine = makeMachine(options);
  const failures: unknown[] = [];
  const { kernel, root } = load(machine, {
    trace: counting(counts),
    quantumSeconds: QUANTUM_SECONDS,
    reserveFrames: 8,
    revocationSeconds: 3e-5,
    excessTicksMax: 40,
  });
  const world: World = {
    machine,
    kernel,
    root,
    dice: new Dice(),
    counts,
    focus: options.focus ?? [],
    budget: 0,
    nested: 0,
    failures,
    known: {
      actors: [],
      children: [],
      environments: [root.self],
      windows: [],
      rings: [],
      messageRings: [],
      filters: [],
      handlers: [],
      transmits: [],
      extents: [],
      streams: [],
      regions: [],
      tokens: [],
      ports: [],
      programs: [],
    },
  };
  for (let i = 0; i < (options.actors ?? ACTORS); i++) addActor(world, i);
  return world;
}

/** True while `gate` is somebody's. */
export const isAlive = ({ kernel }: World, gate: Gate): boolean =>
  kernel.environments.rows[rowOf(gate.self)]?.id === gate.self;

/** Adds an actor: frames, a window, capabilities for every device, and for the first two one above the others'. */
export function addActor(world: World, index: number): void {
  const { root, known } = world;
  if (!isAlive(world, root)) return;
  const gate = placeActor(world, index);
  if (gate === undefined) return;
  for (const name of DEVICES) must(root.capabilityGrant(gate.self, { name, rights: RIGHTS.all }, own, own));
  const above = [[], [1]][index];
  if (above !== undefined)
    must(root.capabilityGrant(gate.self, { name: above, rights: RIGHTS.all }, own, own));
  for (let position = index * 3; position < 128; position += 24) gate.sliceAlloc(position as never, own);
  known.actors[index] = gate;
  remember(known.environments, gate.self);
}

/** A new environment for an actor, or nothing while others have used up what that takes. */
function placeActor(world: World, index: number): Gate | undefined {
  try {
    return placeEnvironment(world.root, [1, index + 1], { upcalls: actor(world) });
  } catch (reason) {
    if (reason instanceof Error && reason.message === "unexpected refusal: Full") return undefined;
    throw reason;
  }
}

/** How many of a kind are remembered. */
const REMEMBERED = 96;

/** Notes something that was made; of too many the older half is forgotten. */
export function remember(list: unknown[], made: unknown): void {
  if (list.length >= REMEMBERED) list.splice(0, REMEMBERED / 2);
  list.push(made);
}

/** Time goes by: `cycles` of it, then one step; the world outside opens streams and sends. */
export function passTime(world: World, cycles: number): void {
  const { machine, kernel, dice } = world;
  machine.clock.advance(after(machine.clock.now(), cycles));
  const [device] = machine.streams;
  if (device !== undefined && dice.once(2)) {
    const end = device.world.open();
    device.world.send(end, "hello");
    if (dice.once(4)) device.world.reset(end);
  }
  step(kernel);
}
