/** Random calls with arguments that are valid, nearly valid or nonsense, from numbers that fast-check can shrink. */
import type { Filter } from "@exolith/secure-bind";
import { failed, rowOf, type Gate, type GateCalls, type Program, type Window } from "../src/abi/index.ts";

/** What was made so far, for arguments to name, alive or dead. */
export interface Known {
  readonly gates: Gate[];
  readonly environments: unknown[];
  readonly windows: unknown[];
  readonly rings: unknown[];
  readonly filters: unknown[];
  readonly transmits: unknown[];
  readonly extents: unknown[];
  readonly streams: unknown[];
}

/** Thrown by the traps among the arguments; the caller's own fault. */
export class Trap extends Error {}

const trap = (): never => {
  throw new Trap("the argument itself");
};

const ALIENS: readonly unknown[] = [
  undefined,
  null,
  -1,
  0.5,
  Number.NaN,
  2 ** 31,
  2 ** 53,
  "1",
  {},
  [],
  () => 0,
  Symbol("alien"),
  10n,
  new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap }),
];

const pick = (list: readonly unknown[], n: number): unknown => list[n % list.length];

const NAMES: readonly (readonly number[])[] = [[], [1], [1, 1], [1, 2], [1, 1, 5], [2, 0], [3, 0], [5, 0]];
const capability = (n: number): unknown => ({ name: pick(NAMES, n), rights: (n >> 3) % 9 });

const equal = (at: number, width: 1 | 2, value: number) =>
  ({ kind: "equal", at, width, mask: width === 1 ? 0xff : 0xffff, value }) as const;
const FILTERS: readonly Filter[] = [
  [],
  [equal(12, 2, 0x88b5)],
  [equal(12, 2, 0x88b5), equal(14, 1, 1)],
  [equal(12, 2, 0x88b5), equal(14, 1, 2)],
  [{ kind: "skip", bytes: 14 }, equal(0, 1, 1)],
  [{ kind: "shift", at: 14, width: 1, mask: 0x0f, by: 2 }, equal(14, 1, 1)],
];

/** Programs that an environment may run: they sleep, spin, yield, throw, touch what they must not, or end themselves. */
const programs = (known: Known): readonly Program[] => {
  const idle = (gate: Gate): void => void gate.sleep(gate.environments.events(rowOf(gate.self)), Infinity as never);
  const starting =
    (act: (gate: Gate) => void, fault?: () => void): Program =>
    (gate) => {
      known.gates.push(gate);
      for (let index = 0; index < 128; index += 16) gate.sliceAlloc(((index + gate.self) % 128) as never, 0 as never);
      return fault === undefined ? { sliceBegin: () => act(gate) } : { sliceBegin: () => act(gate), fault };
    };
  return [
    starting(idle),
    starting(() => {}),
    starting(trap),
    starting(trap, () => {}),
    starting(trap, trap),
    starting((gate) => void gate.yieldTo(pick(known.environments, gate.clock.now()) as never)),
    starting((gate) => void gate.environmentDestroy(gate.self, 0 as never)),
    starting(() => void (pick(known.windows, 0) as Window | undefined)?.setU32(1e6, 1), () => {}),
    trap,
    (() => 7) as never,
    (gate) => {
      gate.framesAlloc(30 as never, 4, 0 as never);
      gate.environmentDestroy(gate.self, 0 as never);
      return { sliceBegin: () => {} };
    },
  ];
};

type Kind =
  | "slot"
  | "capability"
  | "environment"
  | "program"
  | "slice"
  | "small"
  | "frame"
  | "boolean"
  | "window"
  | "ring"
  | "filter"
  | "filterId"
  | "transmit"
  | "gather"
  | "extent"
  | "transfer"
  | "stream"
  | "operation"
  | "time"
  | "bytes";

const PARAMETERS: { readonly [K in keyof GateCalls]: readonly Kind[] } = {
  nullCall: [],
  capabilityForge: ["slot", "capability"],
  capabilityDestroy: ["small"],
  capabilityGrant: ["environment", "capability", "slot", "slot"],
  environmentCreate: ["program", "slot"],
  environmentDestroy: ["environment", "slot"],
  sliceAlloc: ["slice", "slot"],
  sliceFree: ["slice", "slot"],
  yieldTo: ["environment"],
  sleep: ["small", "time"],
  wake: ["environment", "slot"],
  framesAlloc: ["frame", "small", "slot"],
  frameAllocAny: ["slot"],
  framesFree: ["frame", "small", "slot"],
  frameGuard: ["frame", "capability", "slot"],
  windowBind: ["frame", "small", "boolean", "slot"],
  windowUnbind: ["window"],
  ringBind: ["frame", "small", "slot"],
  ringUnbind: ["ring"],
  filterInsert: ["small", "filter", "ring", "slot", "slot"],
  filterRemove: ["filterId", "slot"],
  transmitBind: ["small", "filter", "environment", "slot", "slot"],
  transmitUnbind: ["transmit", "slot"],
  transmit: ["transmit", "gather"],
  extentAlloc: ["small", "frame", "small", "slot", "slot"],
  extentFree: ["extent", "slot"],
  extentRead: ["extent", "transfer", "slot"],
  extentWrite: ["extent", "transfer", "slot"],
  streamAccept: ["small", "slot"],
  streamNext: [],
  streamRead: ["stream", "window", "bytes", "bytes"],
  streamWrite: ["stream", "window", "bytes", "bytes"],
  streamControl: ["stream", "operation"],
  consoleWrite: ["window", "bytes", "bytes", "slot"],
  randomFill: ["window", "bytes", "bytes"],
};

const RESULTS: { readonly [K in keyof GateCalls]?: Exclude<keyof Known, "gates"> } = {
  environmentCreate: "environments",
  windowBind: "windows",
  ringBind: "rings",
  filterInsert: "filters",
  transmitBind: "transmits",
  extentAlloc: "extents",
  streamAccept: "streams",
};

const valid: { readonly [K in Kind]: (known: Known, n: number, gate: Gate) => unknown } = {
  slot: (_, n) => (n % 3 === 0 ? n % 6 : 0),
  capability: (_, n) => capability(n),
  environment: (known, n) => pick(known.environments, n),
  program: (known, n) => pick(programs(known), n),
  slice: (_, n) => n % 130,
  small: (_, n) => (n % 4 === 0 ? n % 9 : n % 4),
  frame: (_, n) => n % 66,
  boolean: (_, n) => n % 3 !== 0,
  window: (known, n) => pick(known.windows, n),
  ring: (known, n) => pick(known.rings, n),
  filter: (_, n) => pick(FILTERS, n),
  filterId: (known, n) => pick(known.filters, n),
  transmit: (known, n) => pick(known.transmits, n),
  gather: (known, n, gate) => {
    const gather = gate.gather();
    for (let piece = 0; piece < n % 4; piece++) gather.add(pick(known.windows, n + piece) as Window, n % 64, n % 900);
    return gather;
  },
  extent: (known, n) => pick(known.extents, n),
  transfer: (known, n) => ({
    block: n % 3,
    count: 1 + (n % 2),
    window: pick(known.windows, n),
    at: (n % 2) * 4096,
    statusWindow: pick(known.windows, n >> 3),
    statusAt: (n % 5) * 4,
  }),
  stream: (known, n) => pick(known.streams, n),
  operation: (_, n) => pick(["end", "close", "reset", "what"], n),
  time: (_, n) => n * 1000,
  bytes: (_, n) => (n % 3 === 0 ? n % 5000 : n % 64),
};

const NAMES_OF_CALLS = Object.keys(PARAMETERS) as (keyof GateCalls)[];

/** Names of the calls; one that is made often is there more than once. */
export const CALL_NAMES: readonly (keyof GateCalls)[] = [
  ...NAMES_OF_CALLS,
  ...NAMES_OF_CALLS.filter((name) => name in RESULTS || name === "framesAlloc"),
  "framesAlloc",
  "windowBind",
];

/** One call in sixteen has an argument from another world. */
const ALIEN_ARGUMENTS = 16;

/** Makes one call; true when it was done, false when it was refused. Throws what it threw. */
export function callAtRandom(known: Known, gate: Gate, name: keyof GateCalls, numbers: readonly number[]): boolean {
  const values = PARAMETERS[name].map((kind, i) => {
    const n = numbers[i] ?? 0;
    return n % ALIEN_ARGUMENTS === 7 ? pick(ALIENS, n >> 4) : valid[kind](known, n >> 4, gate);
  });
  const result = (gate[name] as (...values: unknown[]) => unknown)(...values);
  const list = RESULTS[name];
  if (list !== undefined && !failed(result)) known[list].push(result);
  return !failed(result);
}
