/** Random arguments for every call: valid, nearly valid, of another world, or a trap that calls the kernel again. */
import { RIGHTS, type Filter } from "@exolith/secure-bind";
import { handlerModule } from "@exolith/secure-bind/testing";
import {
  FRAME_BYTES,
  RESOURCE_KINDS,
  WELL_KNOWN_SLOT,
  capSlot,
  rowOf,
  type BatchedCall,
  type Gate,
  type GateCalls,
  type ProgramHandle,
  type Window,
} from "../src/abi/index.ts";
import { CALLS } from "../src/abi/calls.ts";
import { BoundWindow } from "../src/memory/bound-window.ts";
import { libraryOf, randomModule } from "./random-modules.ts";
import { callInside, randomProgram } from "./random-programs.ts";
import { trap } from "./random-trap.ts";
import { isAlive, type World } from "./random-world.ts";

/** Makes one argument. */
type Make = (w: World, g: Gate) => unknown;

const ALIENS: readonly unknown[] = [
  undefined,
  null,
  -1,
  0.5,
  Number.NaN,
  2 ** 31,
  2 ** 53,
  "1",
  true,
  {},
  [],
  () => 0,
  Symbol("alien"),
  10n,
  Object.freeze([Number.NaN]),
  new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap }),
  new Proxy([], { get: trap, has: trap, getPrototypeOf: trap }),
];

/** One argument in this many is from another world. */
const ALIEN_ARGUMENTS = 48;
/** One record in this many has a property whose getter calls the kernel. */
const TRAPPED_RECORDS = 12;

/** An argument as it is, or something else in its place. */
export function orAlien(w: World, g: Gate, value: unknown): unknown {
  if (w.dice.once(ALIEN_ARGUMENTS)) return w.dice.pick(ALIENS);
  const isRecord =
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isRecord && w.dice.once(TRAPPED_RECORDS) ? trapped(w, g, value as Record<string, unknown>) : value;
}

/** A record that makes random calls while it is being read. */
function trapped(w: World, g: Gate, record: Record<string, unknown>): unknown {
  const key = w.dice.pick(Object.keys(record)) ?? "";
  const value = record[key];
  const get = (): unknown => {
    callInside(w, w.dice.pick(w.known.actors) ?? g, 2);
    return w.dice.once(16) ? trap() : value;
  };
  return Object.defineProperty({ ...record }, key, { get, enumerable: true });
}

const small: Make = ({ dice }) => (dice.once(6) ? dice.below(9) : 1 + dice.below(2));
const count =
  (most: number): Make =>
  ({ dice }) =>
    dice.below(most);

/** A slot, mostly the one that holds what is needed. */
const slot =
  (usual: number): Make =>
  ({ dice }) =>
    capSlot(dice.once(12) ? dice.below(14) : dice.once(60) ? WELL_KNOWN_SLOT : usual);
const own = slot(0);
/** The slots of what actors hold above others', if they do. */
const ownOrAbove: Make = (w, g) => (w.dice.once(4) ? capSlot(6) : own(w, g));
/** A slot that has something in it, from the seventh on; what is below is seldom given up. */
const anySlot: Make = ({ dice }, { capabilities }) => {
  const start = 7 + dice.below(24);
  if (dice.once(12)) return capSlot(dice.below(32));
  for (let i = 0; i < 24; i++)
    if (capabilities.rights(7 + ((start + i) % 24)) >= 0) return capSlot(7 + ((start + i) % 24));
  return capSlot(start);
};

const NAMES: readonly (readonly number[])[] = [
  [],
  [1],
  [1, 1],
  [1, 2],
  [1, 1, 5],
  [2, 0],
  [3, 0],
  [5, 0],
  [9],
];
const ownName = (g: Gate): number[] => g.capabilities.name(0).split(".").filter(Boolean).map(Number);

const capability: Make = ({ dice }, g) => {
  if (dice.once(12)) return { name: dice.pick([[300], [1, 2, 3, 4, 5, 6, 7, 8], "1", [-1]]), rights: 0 };
  if (dice.once(4)) return { name: dice.pick(NAMES), rights: dice.below(9) };
  const below = dice.once(2) ? [] : [dice.below(4)];
  return { name: [...ownName(g), ...below].slice(0, 7), rights: dice.once(2) ? RIGHTS.all : dice.below(8) };
};

const environment: Make = ({ dice, known }) =>
  dice.once(20)
    ? dice.below(100)
    : dice.pick(dice.once(3) ? known.environments : known.actors.map((a) => a.self));

/** Whom to end: mostly somebody that was created lately. */
const victim: Make = (w) => {
  const { dice, known } = w;
  if (dice.once(40)) return environment(w, w.root);
  return (
    dice.pick(known.children.slice(-6).filter((child) => isAlive(w, child)))?.self ??
    known.environments.at(-1)
  );
};

/** One of `list`, mostly one that is the caller's. */
function ownOr({ dice }: World, list: readonly unknown[], isOwn: (value: unknown) => boolean): unknown {
  if (!dice.once(6)) {
    const mine = list.filter(isOwn);
    if (mine.length > 0) return dice.pick(mine.slice(-4));
  }
  return dice.once(8) ? dice.below(2) : dice.pick(list);
}

const isOwnWindow = (g: Gate, window: unknown): boolean =>
  BoundWindow.bindingOf(window as Window)?.owner === rowOf(g.self);
const window: Make = (w, g) => ownOr(w, w.known.windows, (each) => isOwnWindow(g, each));
/** A window of the caller's for writing, if there is one. */
const writable: Make = (w, g) =>
  ownOr(
    w,
    w.known.windows,
    (each) => isOwnWindow(g, each) && BoundWindow.bindingOf(each as Window)?.writable === true,
  );

const idOf =
  (
    list: "rings" | "messageRings" | "filters" | "handlers" | "transmits" | "extents" | "streams" | "regions",
  ): Make =>
  (w, g) =>
    ownOr(w, w.known[list], (id) => {
      const row = rowOf(id as number);
      return (list === "transmits" ? g.transmits.user(row) : g[list].owner(row)) === g.self;
    });

/** A frame of the caller's, mostly, and as many after it as `run` says; `isFit` looks at each. */
function ownFrames(w: World, g: Gate, run: number, isFit: (frame: number) => boolean): number {
  const { frames } = g;
  const start = w.dice.below(frames.count);
  if (w.dice.once(6)) return start;
  for (let i = 0, length = 0; i < frames.count + run; i++) {
    const f = (start + i) % frames.count;
    length = f > 0 || i === 0 ? length : 0;
    length = frames.owner(f) === g.self && isFit(f) ? length + 1 : 0;
    if (length === run) return f - run + 1;
  }
  return start;
}

const frame: Make = (w, g) => ownFrames(w, g, 1, () => true);
const twoFrames: Make = (w, g) => ownFrames(w, g, 2, () => true);
const unpinned: Make = (w, g) => ownFrames(w, g, 2, (f) => g.frames.pins(f) === 0);
const free: Make = ({ dice }, { frames }) => {
  const start = dice.below(frames.count + 2);
  if (dice.once(6)) return start;
  for (let i = 0; i < frames.count; i++) {
    const f = (start + i) % frames.count;
    if (frames.owner(f) === 0 && frames.owner(f + 1) === 0) return f;
  }
  return start;
};
const ringFrames: Make = ({ dice }) => (dice.once(12) ? dice.below(12) : 2);

const position: Make = ({ dice }, { slices }) => {
  const start = dice.below(slices.count + 1);
  if (dice.once(4)) return start;
  for (let i = 0; i < slices.count; i++)
    if (slices.owner((start + i) % slices.count) === 0) return (start + i) % slices.count;
  return start;
};
const ownPosition: Make = ({ dice }, { slices, self }) => {
  const start = dice.below(slices.count + 1);
  for (let i = 0; i < slices.count && !dice.once(200); i++)
    if (slices.owner((start + i) % slices.count) === self) return (start + i) % slices.count;
  return start;
};

const KINDS = Object.values(RESOURCE_KINDS);

/** The kind and the id of something, mostly the caller's own. */
function resource(w: World, g: Gate): [unknown, unknown] {
  const kind = w.dice.once(20) ? w.dice.below(12) : w.dice.pick(KINDS);
  const ids: Partial<Record<number, Make>> = {
    [RESOURCE_KINDS.frame]: frame,
    [RESOURCE_KINDS.slice]: ownPosition,
    [RESOURCE_KINDS.environment]: (_, { self }) => (w.dice.once(3) ? environment(w, g) : self),
    [RESOURCE_KINDS.filter]: idOf("filters"),
    [RESOURCE_KINDS.transmit]: idOf("transmits"),
    [RESOURCE_KINDS.extent]: idOf("extents"),
    [RESOURCE_KINDS.region]: idOf("regions"),
    [RESOURCE_KINDS.messageRing]: idOf("messageRings"),
  };
  return [kind, (ids[kind ?? 0] ?? frame)(w, g)];
}

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
const MALFORMED = [{ kind: "equal", at: 0, width: 3, mask: 1, value: 1 }];
const filter: Make = ({ dice }) => {
  if (dice.once(16)) return MALFORMED;
  return dice.once(2) ? dice.pick(FILTERS) : [equal(dice.below(60), 1, dice.below(256))];
};
const allowed: Make = ({ dice }) => (dice.once(3) ? dice.pick([MALFORMED, ...FILTERS]) : []);

const device: Make = ({ dice }) => (dice.once(12) ? dice.below(3) : 0);
const offset: Make = ({ dice }) => (dice.once(9) ? dice.below(5000) : 4 * dice.below(64));
const bytes: Make = ({ dice }) => (dice.once(9) ? dice.below(5000) : dice.below(64));
const register: Make = ({ dice }) => (dice.once(30) ? "x" : dice.once(9) ? Number.NaN : dice.below(1e6));
const flag: Make = ({ dice }) => !dice.once(5);

const COMPARISONS = ["equal", "notEqual", "less", "lessOrEqual", "greater", "greaterOrEqual"];
const term: Make = (w, g) => ({
  window: window(w, g),
  at: w.dice.once(12) ? w.dice.below(5000) : 4 * w.dice.below(64),
  comparison: w.dice.once(40) ? "like" : w.dice.pick(COMPARISONS),
  value: w.dice.below(3),
});
const list = (w: World, g: Gate, most: number, make: Make): unknown[] =>
  Array.from({ length: w.dice.once(20) ? 0 : 1 + w.dice.below(most) }, () => orAlien(w, g, make(w, g)));
const product: Make = (w, g) => ({ tag: w.dice.below(100), terms: list(w, g, 3, term) });

/** A predicate over every frame of the caller's longest window: more than one may pin, if it is long. */
function longPredicate(w: World, g: Gate): unknown {
  const windows = (w.known.windows as Window[]).filter((each) => isOwnWindow(g, each));
  const longest = windows.toSorted((a, b) => b.length - a.length)[0];
  const terms = Array.from({ length: (longest?.length ?? 0) / FRAME_BYTES }, (_, i) => ({
    window: longest,
    at: i * FRAME_BYTES,
    comparison: "equal",
    value: 1,
  }));
  return [{ tag: 1, terms }];
}
const predicate: Make = (w, g) => (w.dice.once(12) ? longPredicate(w, g) : list(w, g, 3, product));

const diskMove: Make = (w, g) => ({
  block: w.dice.below(4),
  count: w.dice.once(5) ? 2 : 1,
  window: writable(w, g),
  at: w.dice.once(7) ? FRAME_BYTES : 0,
  statusWindow: writable(w, g),
  statusAt: w.dice.once(20) ? 2 : 4 * w.dice.below(8),
});
const regionMove: Make = (w, g) => ({
  at: w.dice.below(9),
  window: writable(w, g),
  windowAt: offset(w, g),
  length: w.dice.once(9) ? w.dice.below(90) : 1 + w.dice.below(8),
});
const dmaMove: Make = (w, g) => ({
  from: window(w, g),
  fromAt: offset(w, g),
  to: writable(w, g),
  toAt: offset(w, g),
  length: 1 + w.dice.below(400),
  statusWindow: writable(w, g),
  statusAt: w.dice.once(20) ? 2 : 4 * w.dice.below(8),
});

const PAYLOADS: readonly number[] = [0, 0, 500, -1, 1.5, 1e9, NaN];

const gather: Make = (w, g) => {
  const made = g.gather();
  const pieces = w.dice.once(20) ? 0 : 1 + w.dice.below(3);
  for (let i = 0; i < pieces; i++) made.add(window(w, g) as Window, w.dice.below(64), 1 + w.dice.below(500));
  if (w.dice.once(8)) made.offload(w.dice.once(2), w.dice.pick(PAYLOADS) ?? 0);
  return made;
};

const UNBATCHED: readonly string[] = ["batchRun", "transfer", "transferWords"];
const BATCHED = Object.keys(CALLS).filter((name) => !UNBATCHED.includes(name)) as BatchedCall[];
const batch: Make = (w, g) => {
  const made = w.dice.once(6) ? w.root.batch() : g.batch();
  for (let i = w.dice.below(5); i > 0; i--) {
    const name = w.dice.pick(BATCHED) ?? "nullCall";
    made.add(name, ...(argumentsOf(w, g, name) as never));
  }
  return made;
};

/** Somebody who offers the caller something, if anybody does. */
const offerer: Make = (w, g) =>
  w.kernel.environments.rows.find((each) => each?.offer?.to === g.self)?.id ?? environment(w, g);
/** Somebody whom the caller keeps, if there is anybody. */
const kept: Make = (w, g) => {
  const first = w.kernel.environments.rows.find((e) => e?.transfers.keptBy?.id === g.self);
  return first !== undefined && !w.dice.once(6) ? first.id : environment(w, g);
};

const token = (w: World, g: Gate): unknown[] => {
  const mine = w.known.tokens.filter((each) => isOwnWindow(g, each.window));
  const found = w.dice.pick(mine);
  if (found === undefined || w.dice.once(4)) return [window(w, g), offset(w, g), 32 + 8 * w.dice.below(3)];
  return [found.window, found.at, w.dice.once(12) ? 40 : 32];
};

const OPERATIONS = ["end", "end", "close", "reset", "what"];

const MODULES = [
  handlerModule((code) => code.i32(1)),
  handlerModule((code) => code.i32(0)),
  handlerModule((code, { append, send, wake }) =>
    code.get(0).get(1).op("call", append).op("call", send).op("drop").op("call", wake),
  ),
  handlerModule((code) => code.open("loop").op("br", 0).end().op("unreachable")),
  handlerModule((code) => code.i32(7).memory("i32.load")),
  handlerModule((code) => code.i32(1), { pages: 1 }),
  handlerModule((code) => code.i32(1), { start: (code) => code.op("unreachable") }),
  new Uint8Array(8),
];
const handler: Make = (w, g) => ({
  module: w.dice.pick(MODULES),
  fuel: w.dice.once(20) ? 0 : 1 + w.dice.below(200),
  pipes: w.dice.once(20) ? 7 : [],
  transmit: w.dice.once(2) ? undefined : idOf("transmits")(w, g),
});

/** A page near the beginning, so that pages are met again; now and then the last, or none. */
const page: Make = ({ dice }) => (dice.once(12) ? dice.pick([2 ** 20 - 1, 2 ** 16, 65_535]) : dice.below(24));
const pages: Make = ({ dice }) => (dice.once(9) ? dice.pick([0, 2 ** 16, 2 ** 20]) : 1 + dice.below(6));
const rights: Make = ({ dice }) => (dice.once(12) ? dice.below(9) : dice.below(2));

const programId: Make = (w, g) => {
  const isOwn = (made: unknown): boolean => g.programs.owner(rowOf((made as ProgramHandle).id)) === g.self;
  const found = ownOr(w, w.known.programs, isOwn);
  return typeof found === "object" && found !== null ? (found as ProgramHandle).id : found;
};
const program: Make = (w, g) => ({
  module: w.dice.once(12) ? new Uint8Array(8) : randomModule(w),
  mode: w.dice.pick(["segment", "paged"]),
  imports: w.dice.once(20) ? 7 : libraryOf(w, g),
  context: unpinned(w, g),
  contextFrames: w.dice.once(12) ? w.dice.pick([0, 257]) : 1 + w.dice.below(2),
  segment: frame(w, g),
  segmentFrames: w.dice.once(12) ? 0 : 1,
  mayGrow: w.dice.once(3) ? () => w.dice.once(2) : undefined,
});

/** What each call is called with. */
const MAKERS: { readonly [K in keyof GateCalls]: readonly Make[] | ((w: World, g: Gate) => unknown[]) } = {
  nullCall: [],
  batchRun: [batch],
  capabilityForge: [own, capability],
  capabilityDestroy: [anySlot],
  capabilityGrant: [(w, g) => (w.dice.once(4) ? environment(w, g) : g.self), capability, own, ownOrAbove],
  capabilityOffer: [environment, capability, own],
  capabilityAcquire: [offerer],
  capabilitySeal: [own, writable, offset],
  capabilityUnseal: token,
  capabilityExpire: [anySlot],
  guardSet: (w, g) => [
    ...resource(w, g),
    w.dice.below(w.dice.once(6) ? 6 : 4),
    w.dice.once(3) ? undefined : capability(w, g),
    ownOrAbove(w, g),
  ],
  guardExtend: (w, g) => [
    ...resource(w, g),
    frame(w, g),
    w.dice.once(9) ? 513 : w.dice.below(4),
    ownOrAbove(w, g),
  ],
  environmentCreate: [randomProgram, own],
  environmentDestroy: [victim, ownOrAbove],
  sliceAlloc: [position, own],
  sliceFree: [ownPosition, ownOrAbove],
  yieldTo: [environment],
  sleep: [small, count(1e6)],
  wake: [environment, ownOrAbove],
  predicateWait: [predicate],
  transferAllow: [({ dice }) => (dice.once(2) ? 3 : dice.below(5))],
  transferBuffer: [writable, offset],
  transfer: [environment, register, register, register, register],
  transferWords: [environment, window, offset, ({ dice }) => 1 + dice.below(17), register],
  transferAsync: [environment, register, register, register, register],
  transferReply: [kept, register, register, register, register],
  messageRingBind: [unpinned, ringFrames, own],
  messageRingUnbind: [idOf("messageRings")],
  messageSend: [idOf("messageRings"), window, offset, ({ dice }) => dice.below(70), ownOrAbove],
  framesAlloc: [free, small, own],
  frameAllocAny: [own],
  framesFree: [frame, small, ownOrAbove],
  framesGuarantee: [
    (w, g) => ownFrames(w, g, w.dice.once(3) ? 11 : 1, () => true),
    ({ dice }) => (dice.once(3) ? 11 : 1),
    flag,
  ],
  windowBind: [twoFrames, small, flag, ownOrAbove],
  windowUnbind: [window],
  regionCreate: [frame, offset, bytes, ownOrAbove],
  regionDestroy: [idOf("regions"), ownOrAbove],
  regionRead: [idOf("regions"), regionMove, ownOrAbove],
  regionWrite: [idOf("regions"), regionMove, ownOrAbove],
  dmaCopy: [dmaMove],
  ringBind: [unpinned, ringFrames, own],
  ringUnbind: [idOf("rings")],
  filterInsert: [device, filter, idOf("rings"), slot(1), own],
  filterRemove: [idOf("filters"), ownOrAbove],
  handlerInstall: [idOf("filters"), handler, unpinned, count(3), own],
  handlerRemove: [idOf("handlers")],
  transmitBind: [device, allowed, (w, g) => (w.dice.once(4) ? environment(w, g) : g.self), slot(1), own],
  transmitUnbind: [idOf("transmits"), ownOrAbove],
  transmit: [idOf("transmits"), gather],
  extentAlloc: [device, count(130), small, slot(2), own],
  extentFree: [idOf("extents"), ownOrAbove],
  extentRead: [idOf("extents"), diskMove, own],
  extentWrite: [idOf("extents"), diskMove, own],
  transfersWait: [],
  backingSet: [idOf("extents"), count(3), count(3), own],
  revocationAsk: (w, g) => [
    w.dice.once(2) ? environment(w, g) : g.self,
    w.dice.once(20) ? w.dice.below(12) : w.dice.pick(KINDS),
    small(w, g),
    ownOrAbove(w, g),
  ],
  repossessionsClear: [],
  streamAccept: [device, slot(3)],
  streamNext: [],
  streamRead: [idOf("streams"), writable, bytes, bytes],
  streamWrite: [idOf("streams"), window, bytes, bytes],
  streamControl: [idOf("streams"), ({ dice }) => dice.pick(OPERATIONS)],
  translationCreate: [({ dice }) => dice.pick([4096, 65_536, 65_536, 8192])],
  translationDestroy: [],
  tlbWrite: [page, frame, small, rights, ownOrAbove],
  tlbProtect: [page, pages, rights],
  tlbRemove: [page, pages],
  tlbMark: [page, pages, small],
  tlbClear: [page, pages, small],
  programLoad: [program, ownOrAbove],
  programEnd: [programId],
  consoleWrite: [window, bytes, bytes, slot(4)],
  randomFill: [writable, bytes, bytes],
  tilesTag: [
    device,
    count(33),
    count(4),
    (w, g) => (w.dice.once(3) ? undefined : w.dice.once(2) ? environment(w, g) : g.self),
    slot(5),
  ],
  displayPort: [device],
};

/** Arguments for `name`. */
export function argumentsOf(w: World, g: Gate, name: keyof GateCalls): unknown[] {
  const makers = MAKERS[name];
  const made = typeof makers === "function" ? makers(w, g) : makers.map((make) => make(w, g));
  return made.map((value) => orAlien(w, g, value));
}
