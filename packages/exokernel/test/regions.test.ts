import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  REGIONS,
  RESOURCE_KINDS,
  capSlot,
  frame,
  must,
  rowOf,
  type CapSlot,
  type Gate,
  type RegionId,
  type RegionMove,
  type Window,
} from "../src/abi/index.ts";
import { checkFrameTable } from "../src/memory/frame-table.ts";
import { load } from "../src/load.ts";
import { makeSimulatedMachine } from "@exolith/hw-model";
import { makeRig, outcome, placeEnvironment, tableState, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);
const region = (id: number): RegionId => id as RegionId;

/** An environment with two frames of its own and a window on the first. */
interface User {
  readonly gate: Gate;
  readonly memory: Window;
}

function user(rig: Rig, name: number, first: number): User {
  const gate = rig.environment([1, name]);
  must(gate.framesAlloc(frame(first), 2, own));
  return { gate, memory: must(gate.windowBind(frame(first), 1, true, own)) };
}

const moveOf = ({ memory }: User, change: Partial<RegionMove> = {}): RegionMove => ({
  at: 0,
  window: memory,
  windowAt: 0,
  length: 4,
  ...change,
});

/** A pipe of 32-bit words in memory that two parties touch: the number written so far, then a slot for each. */
interface PipeMemory {
  get(word: number): number;
  put(word: number, value: number): string;
}

const sendWords = (pipe: PipeMemory, words: readonly number[]): void => {
  for (const [i, word] of words.entries()) {
    expect(pipe.put(1 + i, word)).toBe("ok");
    expect(pipe.put(0, i + 1)).toBe("ok");
  }
};

const receiveWords = (pipe: PipeMemory): number[] =>
  Array.from({ length: pipe.get(0) % 64 }, (_, i) => pipe.get(1 + i));

const throughRegion = ({ gate, memory }: User, id: RegionId, slot: CapSlot): PipeMemory => {
  const move = (word: number): RegionMove => ({ at: word * 4, window: memory, windowAt: 64, length: 4 });
  return {
    get: (word) => {
      must(gate.regionRead(id, move(word), slot));
      return memory.getU32(64);
    },
    put: (word, value) => {
      memory.setU32(64, value);
      return outcome(gate.regionWrite(id, move(word), slot));
    },
  };
};

const throughWindow = (window: Window): PipeMemory => ({
  get: (word) => window.getU32(word * 4),
  put: (word, value) => {
    window.setU32(word * 4, value);
    return "ok";
  },
});

test("[I8] a buggy child with its own capability cannot scribble over its parent's pipe in a region; through shared memory it can", () => {
  const rig = makeRig();
  const parent = user(rig, 1, 10);
  const child = user(rig, 2, 20);
  const words = [3, 1, 4, 1, 5, 9, 2, 6];

  const pipe = must(parent.gate.regionCreate(frame(11), 128, 256, own));
  const mayRead = { name: [1, 2], rights: RIGHTS.none };
  must(parent.gate.guardSet(RESOURCE_KINDS.region, pipe, 1, mayRead, own));
  sendWords(throughRegion(parent, pipe, own), words);
  const before = tableState(rig.root);
  expect(outcome(child.gate.windowBind(frame(11), 1, true, own))).toBe("BadCapability");
  expect(outcome(child.gate.windowBind(frame(11), 1, false, own))).toBe("BadCapability");
  const wild = throughRegion(child, pipe, own);
  for (let word = 0; word < 64; word++) expect(wild.put(word, 0xdead_beef)).toBe("BadCapability");
  expect(outcome(child.gate.regionDestroy(pipe, own))).toBe("BadCapability");
  expect(receiveWords(throughRegion(parent, pipe, own))).toEqual(words);
  expect(receiveWords(wild)).toEqual(words);
  expect(tableState(rig.root)).toBe(before);

  must(parent.gate.guardSet(RESOURCE_KINDS.frame, 10, 1, { name: [1, 2], rights: RIGHTS.write }, own));
  const shared = throughWindow(parent.memory);
  sendWords(shared, words);
  const scribbled = throughWindow(must(child.gate.windowBind(frame(10), 1, true, own)));
  for (let word = 0; word < 64; word++) scribbled.put(word, 0xdead_beef);
  expect(receiveWords(shared)).not.toEqual(words);
});

describe("regions", () => {
  test("the table shows a region, its owner and its place; both counts follow", () => {
    const { kernel, root } = load(makeSimulatedMachine({ frames: 32 }));
    const gate = placeEnvironment(root, [1, 1]);
    must(gate.framesAlloc(frame(3), 1, own));
    const first = must(gate.regionCreate(frame(3), 100, 50, own));
    const second = must(gate.regionCreate(frame(3), 0, FRAME_BYTES, own));
    const row = rowOf(first);
    const { regions } = root;
    expect([regions.owner(row), regions.id(row), regions.frame(row)]).toEqual([gate.self, first, 3]);
    expect([regions.at(row), regions.length(row)]).toEqual([100, 50]);
    expect(root.environments.regions(rowOf(gate.self))).toBe(2);
    expect(kernel.frames.regions[3]).toBe(2);
    must(gate.regionDestroy(first, own));
    expect([regions.owner(row), regions.id(row), regions.length(row)]).toEqual([0, 0, 0]);
    expect(root.environments.regions(rowOf(gate.self))).toBe(1);
    expect(kernel.frames.regions[3]).toBe(1);
    must(gate.framesFree(frame(3), 1, own));
    expect(regions.owner(rowOf(second))).toBe(0);
    expect(root.environments.regions(rowOf(gate.self))).toBe(0);
    expect(kernel.frames.regions[3]).toBe(0);
    checkFrameTable(kernel.frames);
  });

  test("bytes move between the place in the frame and memory, and nowhere else", () => {
    const rig = makeRig();
    const gate = rig.environment([1, 1]);
    must(gate.framesAlloc(frame(8), 2, own));
    const place = must(gate.windowBind(frame(8), 1, true, own));
    const memory = must(gate.windowBind(frame(9), 1, true, own));
    const run = fc.tuple(fc.nat(FRAME_BYTES - 1), fc.nat(FRAME_BYTES - 1)).map(([a, b]) => ({
      at: Math.min(a, b),
      length: Math.abs(a - b) + 1,
    }));
    fc.assert(
      fc.property(run, run, fc.nat(FRAME_BYTES), fc.boolean(), (whole, part, windowAt, isRead) => {
        const id = must(gate.regionCreate(frame(8), whole.at, whole.length, own));
        place.fill(0, FRAME_BYTES, 1);
        memory.fill(0, FRAME_BYTES, 2);
        const move = { ...part, window: memory, windowAt };
        const isInside = part.at + part.length <= whole.length && windowAt + part.length <= FRAME_BYTES;
        const did = isRead ? gate.regionRead(id, move, own) : gate.regionWrite(id, move, own);
        expect(outcome(did)).toBe(isInside ? "ok" : "BadRange");
        const [source, target] = isRead ? [place, memory] : [memory, place];
        const start = isRead ? windowAt : whole.at + part.at;
        const length = isInside ? part.length : 0;
        const [old, fresh] = isRead ? [2, 1] : [1, 2];
        for (let at = 0; at < FRAME_BYTES; at++) {
          const isMoved = at >= start && at < start + length;
          if (target.getU8(at) !== (isMoved ? fresh : old)) throw new Error(`byte ${at} of the target`);
          if (source.getU8(at) !== fresh) throw new Error(`byte ${at} of the source`);
        }
        must(gate.regionDestroy(id, own));
      }),
      { numRuns: 60 },
    );
  });

  test("overlapping places move as if they did not overlap", () => {
    const rig = makeRig();
    const { gate, memory } = user(rig, 1, 8);
    const id = must(gate.regionCreate(frame(8), 100, 100, own));
    for (let i = 0; i < 64; i++) memory.setU8(100 + i, i);
    must(gate.regionRead(id, { at: 0, window: memory, windowAt: 110, length: 64 }, own));
    for (let i = 0; i < 64; i++) expect(memory.getU8(110 + i)).toBe(i);
  });

  test("a region dies with its frame, with its owner, and with the owner of the frame; its id names nothing after", () => {
    const rig = makeRig();
    const { root } = rig;
    const a = user(rig, 1, 10);
    const b = user(rig, 2, 20);
    must(a.gate.guardSet(RESOURCE_KINDS.frame, 11, 1, { name: [1, 2], rights: RIGHTS.write }, own));
    const onFreed = must(a.gate.regionCreate(frame(10), 0, 8, own));
    const foreign = must(b.gate.regionCreate(frame(11), 0, 8, own));
    const kept = must(b.gate.regionCreate(frame(20), 0, 8, own));
    must(a.gate.framesFree(frame(10), 1, own));
    expect(outcome(root.regionRead(onFreed, moveOf(b), own))).toBe("BadRegion");
    must(root.environmentDestroy(a.gate.self, own));
    expect(outcome(b.gate.regionRead(foreign, moveOf(b), own))).toBe("BadRegion");
    expect(root.environments.regions(rowOf(b.gate.self))).toBe(1);
    must(root.environmentDestroy(b.gate.self, own));
    const heir = user(rig, 2, 20);
    expect(outcome(heir.gate.regionRead(kept, moveOf(heir), own))).toBe("BadRegion");
    for (let row = 0; row < root.regions.count; row++) expect(root.regions.owner(row)).toBe(0);
  });

  test("a frame that lists more entries for a region's guard is let go with the region", () => {
    const rig = makeRig();
    const { gate } = user(rig, 1, 10);
    const id = must(gate.regionCreate(frame(10), 0, 8, own));
    must(gate.guardExtend(RESOURCE_KINDS.region, id, frame(11), 1, own));
    expect(gate.frames.pins(11)).toBe(1);
    must(gate.framesFree(frame(10), 1, own));
    expect(gate.frames.pins(11)).toBe(0);
    expect(outcome(gate.framesFree(frame(11), 1, own))).toBe("ok");
  });

  test("making a region is refused by name, and changes nothing", () => {
    const rig = makeRig();
    const a = user(rig, 1, 10);
    const weak = must(a.gate.capabilityForge(own, { name: [1, 1], rights: RIGHTS.allocate }));
    const before = tableState(rig.root);
    const make = (f: unknown, at: unknown, length: unknown, slot: unknown = own): string =>
      outcome(a.gate.regionCreate(f as never, at as never, length as never, slot as never));
    for (const bad of [-1, 256, 0.5, Number.NaN, "10", undefined]) expect(make(bad, 0, 8)).toBe("BadFrame");
    expect(make(100, 0, 8)).toBe("BadFrame");
    for (const [at, length] of [
      [0, 0],
      [-1, 4],
      [FRAME_BYTES, 1],
      [FRAME_BYTES - 3, 4],
      [0, FRAME_BYTES + 1],
      [0.5, 4],
      [0, 1.5],
      [Number.NaN, 4],
      [0, {}],
    ])
      expect(make(10, at, length)).toBe("BadRange");
    for (const slot of [9, -1, 99, Number.NaN, {}, undefined])
      expect(outcome(a.gate.regionCreate(frame(10), 0, 8, slot as never))).toBe("BadSlot");
    expect(make(10, 0, 8, weak)).toBe("BadCapability");
    expect(tableState(rig.root)).toBe(before);
    expect(rig.root.environments.regions(rowOf(a.gate.self))).toBe(0);
    expect(outcome(rig.environment([1, 2]).regionCreate(frame(10), 0, 8, own))).toBe("BadCapability");
  });

  test("there are so many regions and no more", () => {
    const rig = makeRig();
    const { gate } = user(rig, 1, 10);
    for (let i = 0; i < REGIONS; i++) must(gate.regionCreate(frame(10), i, 1, own));
    expect(outcome(gate.regionCreate(frame(10), 0, 1, own))).toBe("Full");
    must(gate.framesFree(frame(10), 1, own));
    expect(outcome(gate.regionCreate(frame(11), 0, 1, own))).toBe("ok");
  });

  test("moves and destruction are refused by name, and move nothing", () => {
    const rig = makeRig();
    const a = user(rig, 1, 10);
    const b = user(rig, 2, 20);
    a.memory.fill(0, FRAME_BYTES, 7);
    const id = must(a.gate.regionCreate(frame(11), 8, 16, own));
    const reader = must(a.gate.windowBind(frame(10), 1, false, own));
    const dead = must(a.gate.windowBind(frame(10), 1, true, own));
    must(a.gate.windowUnbind(dead));
    for (const call of ["regionRead", "regionWrite"] as const) {
      const go = (change: Partial<RegionMove>, which: unknown = id, slot: unknown = own): string =>
        outcome(a.gate[call](which as RegionId, moveOf(a, change), slot as never));
      for (const bad of [0, -1, id + 1, 0.5, "1", {}, undefined, null])
        expect(outcome(a.gate[call](bad as RegionId, moveOf(a), own))).toBe("BadRegion");
      expect(go({}, id, 9)).toBe("BadSlot");
      expect(outcome(b.gate[call](id, moveOf(b), own))).toBe("BadCapability");
      for (const window of [b.memory, dead, {}, null, undefined, new Proxy(a.memory, {})])
        expect(go({ window: window as Window })).toBe("BadWindow");
      for (const change of [
        { at: 13 },
        { at: 16 },
        { at: -1 },
        { at: 0.5 },
        { at: "0" as never },
        { length: 0 },
        { length: 17 },
        { length: Number.NaN },
        { windowAt: FRAME_BYTES - 3 },
        { windowAt: -4 },
        { windowAt: undefined as never },
      ])
        expect(go(change)).toBe("BadRange");
      for (const nothing of [undefined, null, 7, "move", []])
        expect(outcome(a.gate[call](id, nothing as never, own))).toBe("BadWindow");
    }
    expect(outcome(a.gate.regionRead(id, moveOf(a, { window: reader }), own))).toBe("BadWindow");
    expect(outcome(a.gate.regionWrite(id, moveOf(a, { window: reader }), own))).toBe("ok");
    const weak = must(a.gate.capabilityForge(own, { name: [1, 1], rights: RIGHTS.none }));
    expect(outcome(a.gate.regionWrite(id, moveOf(a), weak))).toBe("BadCapability");
    expect(outcome(a.gate.regionRead(id, moveOf(a), weak))).toBe("ok");
    expect(outcome(a.gate.regionDestroy(id, weak))).toBe("BadCapability");
    expect(outcome(a.gate.regionDestroy(id, capSlot(9)))).toBe("BadSlot");
    expect(outcome(a.gate.regionDestroy(region(77), own))).toBe("BadRegion");
    expect(outcome(a.gate.regionDestroy(id, own))).toBe("ok");
    expect(outcome(a.gate.regionDestroy(id, own))).toBe("BadRegion");
  });
});
