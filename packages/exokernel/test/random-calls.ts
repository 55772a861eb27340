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
  /** Who was given each window. */
  readonly owners: Map<unknown, number>;
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
  const idle = (gate: Gate): void =>
    void gate.sleep(gate.environments.events(rowOf(gate.self)), Infinity as never);
  const starting =
    (act: (gate: Gate) => void, fault?: () => void): Program =>
    (gate) => {
      known.gates.push(gate);
      for (let index = 0; index < 128; index += 16)
        gate.sliceAlloc(((index + gate.self) % 128) as never, 0 as never);
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
    starting(
      () => void (pick(known.windows, 0) as Window | undefined)?.setU32(1e6, 1),
      () => {},
    ),
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
  | "frameSlot"
  | "nicSlot"
  | "diskSlot"
  | "streamSlot"
  | "consoleSlot"
  | "anySlot"
  | "device"
  | "capability"
  | "environment"
  | "victim"
  | "receiver"
  | "allowed"
  | "program"
  | "slice"
  | "small"
  | "run"
  | "frame"
  | "newFrame"
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

const PARAMETERS: { readonly [K in keyof GateCalls]?: readonly Kind[] } = {
  nullCall: [],
  capabilityForge: ["slot", "capability"],
  capabilityDestroy: ["anySlot"],
  capabilityGrant: ["receiver", "capability", "slot", "slot"],
  environmentCreate: ["program", "slot"],
  environmentDestroy: ["victim", "slot"],
  sliceAlloc: ["slice", "slot"],
  sliceFree: ["slice", "slot"],
  yieldTo: ["environment"],
  sleep: ["small", "time"],
  wake: ["environment", "slot"],
  framesAlloc: ["newFrame", "run", "slot"],
  frameAllocAny: ["slot"],
  framesFree: ["frame", "small", "slot"],
  windowBind: ["frame", "small", "boolean", "frameSlot"],
  windowUnbind: ["window"],
  ringBind: ["frame", "run", "frameSlot"],
  ringUnbind: ["ring"],
  filterInsert: ["device", "filter", "ring", "nicSlot", "slot"],
  filterRemove: ["filterId", "slot"],
  transmitBind: ["device", "allowed", "receiver", "nicSlot", "slot"],
  transmitUnbind: ["transmit", "slot"],
  transmit: ["transmit", "gather"],
  extentAlloc: ["device", "small", "small", "diskSlot", "slot"],
  extentFree: ["extent", "slot"],
  extentRead: ["extent", "transfer", "slot"],
  extentWrite: ["extent", "transfer", "slot"],
  streamAccept: ["device", "streamSlot"],
  streamNext: [],
  streamRead: ["stream", "window", "bytes", "bytes"],
  streamWrite: ["stream", "window", "bytes", "bytes"],
  streamControl: ["stream", "operation"],
  consoleWrite: ["window", "bytes", "bytes", "consoleSlot"],
  randomFill: ["window", "bytes", "bytes"],
};

const RESULTS: { readonly [K in keyof GateCalls]?: Exclude<keyof Known, "gates" | "owners"> } = {
  environmentCreate: "environments",
  windowBind: "windows",
  ringBind: "rings",
  filterInsert: "filters",
  transmitBind: "transmits",
  extentAlloc: "extents",
  streamAccept: "streams",
};

/** One argument in four may be anybody's; the others are the caller's own, the latest first, while there is one. */
function ownOr(list: readonly unknown[], n: number, isOwn: (value: unknown) => boolean): unknown {
  const mine = n % 4 === 3 ? [] : list.filter(isOwn);
  return mine.length > 0 ? mine[mine.length - 1 - ((n >> 2) % Math.min(3, mine.length))] : pick(list, n >> 2);
}

const windowOf = (known: Known, n: number, gate: Gate): unknown =>
  ownOr(known.windows, n, (w) => (w as Window).length > 0 && known.owners.get(w) === gate.self);

/** A frame of the caller's own, or any. */
function ownFrame(gate: Gate, n: number): number {
  const isMine = (f: number): boolean => gate.frames.owner(f) === gate.self;
  const mine = Array.from({ length: gate.frames.count }, (_, f) => f).filter(
    (f) => isMine(f) && isMine(f + 1),
  );
  return n % 4 === 3 || mine.length === 0 ? n % 66 : (mine[(n >> 2) % mine.length] ?? 0);
}

const ownName = (gate: Gate): number[] => gate.capabilities.name(0).split(".").filter(Boolean).map(Number);

const slotOr =
  (usual: number) =>
  (_: Known, n: number): number =>
    n % 5 === 4 ? (n >> 3) % 7 : usual;

const transferOf = (known: Known, n: number, gate: Gate): unknown => ({
  block: n % 3,
  count: 1 + (n % 5 === 4 ? 1 : 0),
  window: windowOf(known, n, gate),
  at: n % 7 === 6 ? 4096 : 0,
  statusWindow: windowOf(known, n >> 3, gate),
  statusAt: (n % 5) * 4,
});

function gatherOf(known: Known, n: number, gate: Gate): unknown {
  const gather = gate.gather();
  const pieces = 1 + (n % 3);
  for (let piece = 0; piece < pieces; piece++)
    gather.add(windowOf(known, n + piece, gate) as Window, n % 64, 1 + (n % 400));
  return gather;
}

const valid: { readonly [K in Kind]: (known: Known, n: number, gate: Gate) => unknown } = {
  slot: slotOr(0),
  frameSlot: (_, n) => (n % 3 === 2 ? 5 : 0),
  nicSlot: slotOr(1),
  diskSlot: slotOr(2),
  streamSlot: slotOr(3),
  consoleSlot: slotOr(4),
  anySlot: (_, n) => (n % 16 === 15 ? n % 6 : 6 + (n % 6)),
  device: (_, n) => (n % 9 === 8 ? n % 3 : 0),
  capability: (_, n, gate) => (n % 2 === 0 ? { name: ownName(gate), rights: (n >> 1) % 8 } : capability(n)),
  environment: (known, n) => pick(known.environments, n),
  victim: (known, n) =>
    n % 16 === 15 ? pick(known.environments, n >> 4) : known.environments.at(-1 - (n % 3)),
  receiver: (known, n, gate) => (n % 4 === 3 ? pick(known.environments, n >> 2) : gate.self),
  allowed: (_, n) => (n % 4 === 3 ? pick(FILTERS, n >> 2) : []),
  program: (known, n) => pick(programs(known), n),
  slice: (_, n) => n % 130,
  small: (_, n) => (n % 4 === 3 ? n % 9 : 1 + (n % 2)),
  run: (_, n) => (n % 9 === 8 ? n % 20 : 2 + (n % 3)),
  frame: (_, n, gate) => ownFrame(gate, n),
  newFrame: (_, n) => (n % 8 === 7 ? n % 66 : (n % 16) * 4),
  boolean: (_, n) => n % 5 !== 4,
  window: windowOf,
  ring: (known, n, gate) =>
    ownOr(known.rings, n, (id) => gate.rings.owner(rowOf(id as number)) === gate.self),
  filter: (_, n) => pick(FILTERS, n),
  filterId: (known, n, gate) =>
    ownOr(known.filters, n, (id) => gate.filters.owner(rowOf(id as number)) === gate.self),
  transmit: (known, n, gate) =>
    ownOr(known.transmits, n, (id) => gate.transmits.user(rowOf(id as number)) === gate.self),
  gather: gatherOf,
  extent: (known, n, gate) =>
    ownOr(known.extents, n, (id) => gate.extents.owner(rowOf(id as number)) === gate.self),
  transfer: transferOf,
  stream: (known, n, gate) =>
    ownOr(known.streams, n, (id) => gate.streams.owner(rowOf(id as number)) === gate.self),
  operation: (_, n) => pick(["end", "end", "close", "reset", "what"], n),
  time: (_, n) => n * 1000,
  bytes: (_, n) => (n % 8 === 7 ? n % 5000 : n % 64),
};

const NAMES_OF_CALLS = Object.keys(PARAMETERS) as (keyof GateCalls)[];

/** Names of the calls; one that is made often is there more than once. */
export const CALL_NAMES: readonly (keyof GateCalls)[] = [
  ...NAMES_OF_CALLS,
  ...NAMES_OF_CALLS.filter((name) => name in RESULTS || name === "framesAlloc"),
  "framesAlloc",
  "windowBind",
  ...(["extentRead", "extentWrite", "extentRead", "extentWrite", "filterRemove", "sliceFree"] as const),
];

/** Numbers near 0 and the limit come often; this spreads them. */
const scatter = (n: number): number => (Math.imul(n, 0x9e37_79b1) >>> 13) & 0xffff;

/** One call in sixteen has an argument from another world. */
const ALIEN_ARGUMENTS = 16;

/** Makes one call; true when it was done, false when it was refused. Throws what it threw. */
export function callAtRandom(
  known: Known,
  gate: Gate,
  name: keyof GateCalls,
  numbers: readonly number[],
): boolean {
  const values = (PARAMETERS[name] ?? []).map((kind, i) => {
    const n = scatter((numbers[i] ?? 0) + i);
    return n % ALIEN_ARGUMENTS === 7 ? pick(ALIENS, n >> 4) : valid[kind](known, n >> 4, gate);
  });
  const result = (gate[name] as (...values: unknown[]) => unknown)(...values);
  const list = RESULTS[name];
  if (list === undefined || failed(result)) return !failed(result);
  known[list].push(result);
  known.owners.set(result, gate.self);
  return true;
}
