/** Guards: entries that the kernel keeps, and more of them in frames. */
import { RIGHTS, encodeCapability, makeCapability, reaches, type Capability } from "@exolith/secure-bind";
import { arbitraryCapability } from "@exolith/secure-bind/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GUARD_ENTRIES,
  GUARD_RECORDS,
  KERNEL,
  RESOURCE_KINDS,
  WELL_KNOWN_SLOT,
  capSlot,
  failed,
  frame,
  must,
  type CapSlot,
  type FrameNumber,
  type Gate,
  type ResourceKind,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { GUARDED_KINDS } from "./guarded-kinds.ts";

const own = capSlot(0);
const { all, none, write, allocate, duplicate } = RIGHTS;
const { frame: FRAME, ring: RING } = RESOURCE_KINDS;

/** A frame with records of capabilities, and a window to write them through. */
interface ListFrame {
  readonly number: FrameNumber;
  readonly window: Window;
}

function listFrame(gate: Gate, at: number, records: readonly Capability[] = []): ListFrame {
  const number = must(gate.framesAlloc(frame(at), 1, own));
  const window = must(gate.windowBind(number, 1, true, own));
  for (const [i, record] of records.entries()) putRecord(window, i, encodeCapability(record));
  return { number, window };
}

const putRecord = (window: Window, index: number, bytes: Uint8Array): void =>
  window.write(index * 8, bytes, 0, bytes.length);

const forged = (gate: Gate, name: readonly number[], rights: number): CapSlot =>
  must(gate.capabilityForge(own, { name, rights }));

const mayBind = (gate: Gate, f: number, writable: boolean, slot: CapSlot = own): string => {
  const window = gate.windowBind(frame(f), 1, writable, slot);
  if (!failed(window)) must(gate.windowUnbind(window));
  return outcome(window);
};

/** Alice holds frame 40, Bob wants it. */
function pair(): { rig: Rig; alice: Gate; bob: Gate } {
  const rig = makeRig();
  const alice = rig.environment([1, 1]);
  const bob = rig.environment([1, 2]);
  must(alice.framesAlloc(frame(40), 1, own));
  return { rig, alice, bob };
}

test("[K6] access is refused when the right is missing in the capability or in the entry, extended entries included; entry 0 always has all rights", () => {
  const { rig, alice, bob } = pair();
  const reader = forged(bob, [1, 2], none);
  const bad = "BadCapability";
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual([bad, bad]);

  // In an entry of the guard: the right is missing in the entry, then in the capability, then in neither.
  must(alice.guardSet(FRAME, 40, 1, { name: [1, 2], rights: none }, own));
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual(["ok", bad]);
  must(alice.guardSet(FRAME, 40, 1, { name: [1, 2], rights: write }, own));
  expect([mayBind(bob, 40, false, reader), mayBind(bob, 40, true, reader)]).toEqual(["ok", bad]);
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual(["ok", "ok"]);
  must(alice.guardSet(FRAME, 40, 1, undefined, own));
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual([bad, bad]);

  // The same in a record of the frame that the guard points to.
  const list = listFrame(alice, 41, [makeCapability([9], all), makeCapability([1, 2], none)]);
  must(alice.guardExtend(FRAME, 40, list.number, 2, own));
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual(["ok", bad]);
  putRecord(list.window, 1, encodeCapability(makeCapability([1, 2], write)));
  expect([mayBind(bob, 40, false, reader), mayBind(bob, 40, true, reader)]).toEqual(["ok", bad]);
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual(["ok", "ok"]);
  must(alice.guardExtend(FRAME, 40, list.number, 0, own));
  expect([mayBind(bob, 40, false), mayBind(bob, 40, true)]).toEqual([bad, bad]);

  // Entry 0 is not to be cleared, nor to be anything but all rights.
  for (let rights = 0; rights < all; rights++)
    expect(outcome(alice.guardSet(FRAME, 40, 0, { name: [1, 1], rights }, own))).toBe("BadGuard");
  expect(outcome(alice.guardSet(FRAME, 40, 0, undefined, own))).toBe("BadGuard");
  expect(rig.root.guards.rights(FRAME, 40, 0)).toBe(all);
  expect(outcome(alice.guardSet(FRAME, 40, 0, { name: [1, 1, 7], rights: all }, own))).toBe("ok");
  expect(rig.root.guards.name(FRAME, 40, 0)).toBe("1.1.7");
});

describe.each(GUARDED_KINDS)("the guard of a $name", ({ kind, make, free }) => {
  test("can be opened to a stranger by an entry, and closed again", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const id = make(rig, alice, own, 60);
    // Clearing an empty entry changes nothing, but needs the right to change the guard.
    const mayChange = (): string => outcome(bob.guardSet(kind, id, 3, undefined, own));
    expect(mayChange()).toBe("BadCapability");
    must(alice.guardSet(kind, id, 2, { name: [1, 2], rights: write | allocate }, own));
    expect(mayChange()).toBe("BadCapability");
    must(alice.guardSet(kind, id, 2, { name: [1, 2], rights: duplicate }, own));
    expect(mayChange()).toBe("ok");
    must(alice.guardSet(kind, id, 2, undefined, own));
    expect(mayChange()).toBe("BadCapability");
    expect(outcome(free(alice, id, own))).toBe("ok");
    expect(outcome(alice.guardSet(kind, id, 2, undefined, own))).toBe("BadResource");
  });

  test("can point to a frame of entries, which is pinned until the guard changes or the resource is freed", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const list = listFrame(alice, 50, [makeCapability([1, 2], duplicate)]);
    const other = listFrame(alice, 51);
    const id = make(rig, alice, own, 60);
    const { frames, guards } = rig.root;
    const mayChange = (): string => outcome(bob.guardSet(kind, id, 3, undefined, own));
    must(alice.guardExtend(kind, id, list.number, 1, own));
    expect([guards.list(kind, id), guards.records(kind, id)]).toEqual([50, 1]);
    expect([frames.pins(50), frames.bindings(50)]).toEqual([1, 2]);
    expect(outcome(alice.framesFree(list.number, 1, own))).toBe("Pinned");
    expect(mayChange()).toBe("ok");
    must(alice.guardExtend(kind, id, list.number, 1, own));
    expect(frames.pins(50)).toBe(1);
    must(alice.guardExtend(kind, id, other.number, 512, own));
    expect([frames.pins(50), frames.pins(51)]).toEqual([0, 1]);
    expect(mayChange()).toBe("BadCapability");
    must(alice.guardExtend(kind, id, -1 as FrameNumber, 0, own));
    expect([frames.pins(51), guards.list(kind, id), guards.records(kind, id)]).toEqual([0, -1, 0]);
    must(alice.guardExtend(kind, id, list.number, 1, own));
    expect(outcome(free(alice, id, own))).toBe("ok");
    expect(frames.pins(50)).toBe(0);
    checkTables(rig.root);
    expect(outcome(alice.framesFree(list.number, 1, own))).toBe("ok");
  });

  test("lets go of its frame when its owner dies, whoever's that is", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const list = listFrame(bob, 50, [makeCapability([1, 2], all)]);
    must(bob.guardSet(FRAME, 50, 1, { name: [1, 1], rights: all }, own));
    const id = make(rig, alice, own, 60);
    must(alice.guardExtend(kind, id, list.number, 1, own));
    expect(rig.root.frames.pins(50)).toBe(1);
    must(rig.root.environmentDestroy(alice.self, own));
    const isChild = kind === RESOURCE_KINDS.environment;
    expect(rig.root.frames.pins(50)).toBe(isChild ? 1 : 0);
    if (isChild) must(rig.root.environmentDestroy(id as never, own));
    expect(outcome(bob.framesFree(list.number, 1, own))).toBe("ok");
    checkTables(rig.root);
  });
});

describe("frames of entries", () => {
  test("hold as many records as fit, and the last one counts", () => {
    const { alice, bob } = pair();
    const list = listFrame(alice, 41);
    putRecord(list.window, GUARD_RECORDS - 1, encodeCapability(makeCapability([1, 2], all)));
    must(alice.guardExtend(FRAME, 40, list.number, GUARD_RECORDS - 1, own));
    expect(mayBind(bob, 40, true)).toBe("BadCapability");
    must(alice.guardExtend(FRAME, 40, list.number, GUARD_RECORDS, own));
    expect(mayBind(bob, 40, true)).toBe("ok");
  });

  test("with malformed records let nobody in by them, and others by the rest", () => {
    const { rig, alice, bob } = pair();
    const good = encodeCapability(makeCapability([1, 2], all));
    const malformed = [
      good.with(0, (good[0] ?? 0) & 0x7f),
      good.with(0, (good[0] ?? 0) | 0x40),
      good.with(0, (good[0] ?? 0) - 1),
      good.with(7, 1),
      new Uint8Array(8),
    ];
    const list = listFrame(alice, 41);
    for (const [i, bytes] of malformed.entries()) putRecord(list.window, i, bytes);
    must(alice.guardExtend(FRAME, 40, list.number, malformed.length, own));
    expect(mayBind(bob, 40, false)).toBe("BadCapability");
    expect(mayBind(alice, 40, true)).toBe("ok");
    expect(mayBind(rig.root, 40, true)).toBe("ok");
    putRecord(list.window, 4, good);
    expect(mayBind(bob, 40, true)).toBe("ok");
  });

  test("of random bytes never panic, and let in exactly who a record names", () => {
    const { rig, alice, bob } = pair();
    const list = listFrame(alice, 41);
    must(alice.guardExtend(FRAME, 40, list.number, 8, own));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        list.window.write(0, bytes, 0, 64);
        expect(["ok", "BadCapability"]).toContain(mayBind(bob, 40, false));
        expect(mayBind(alice, 40, true)).toBe("ok");
      }),
      { numRuns: 200 },
    );
    checkTables(rig.root);
  });

  test("may be chained and freed from the front", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const LINKS = 60;
    must(alice.framesAlloc(frame(40), LINKS, own));
    for (let f = 40; f < 40 + LINKS - 1; f++) must(alice.guardExtend(FRAME, f, frame(f + 1), 1, own));
    expect(outcome(alice.framesFree(frame(41), 1, own))).toBe("Pinned");
    expect(outcome(alice.framesFree(frame(40), LINKS, own))).toBe("Pinned");
    for (let f = 40; f < 40 + LINKS; f++) must(alice.framesFree(frame(f), 1, own));
    checkTables(rig.root);
    expect(rig.root.frames.owner(40 + LINKS - 1)).toBe(0);
  });

  test("in a chain over two environments are all freed at last, in one go where they were waited for", () => {
    const rig = makeRig(512);
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const free = rig.root.frames.free();
    // Even frames are Alice's, odd ones Bob's; each points to the next.
    for (let f = 40; f < 240; f++) {
      const [gate, other] = f % 2 === 0 ? [alice, 2] : [bob, 1];
      must(gate.framesAlloc(frame(f), 1, own));
      must(gate.guardSet(FRAME, f, 1, { name: [1, other], rights: all }, own));
    }
    for (let f = 40; f < 239; f++)
      must((f % 2 === 0 ? alice : bob).guardExtend(FRAME, f, frame(f + 1), 1, own));
    must(rig.root.environmentDestroy(alice.self, own));
    checkTables(rig.root);
    must(rig.root.environmentDestroy(bob.self, own));
    checkTables(rig.root);
    expect(rig.root.frames.free()).toBe(free);
  });

  test("in a circle, one's own or over two environments, are freed when they end", () => {
    const rig = makeRig();
    const free = rig.root.frames.free();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    must(alice.framesAlloc(frame(40), 4, own));
    must(bob.framesAlloc(frame(50), 1, own));
    must(alice.guardExtend(FRAME, 40, frame(40), 1, own));
    must(alice.guardExtend(FRAME, 41, frame(42), 1, own));
    must(alice.guardExtend(FRAME, 42, frame(41), 1, own));
    for (const [gate, f, other] of [
      [alice, 43, 2],
      [bob, 50, 1],
    ] as const)
      must(gate.guardSet(FRAME, f, 1, { name: [1, other], rights: all }, own));
    must(alice.guardExtend(FRAME, 43, frame(50), 1, own));
    must(bob.guardExtend(FRAME, 50, frame(43), 1, own));
    expect(outcome(alice.framesFree(frame(40), 1, own))).toBe("Pinned");
    must(rig.root.environmentDestroy(alice.self, own));
    expect(rig.root.frames.owner(43)).toBe(KERNEL);
    for (const f of [40, 41, 42]) expect(rig.root.frames.owner(f)).toBe(0);
    checkTables(rig.root);
    must(rig.root.environmentDestroy(bob.self, own));
    checkTables(rig.root);
    expect(rig.root.frames.free()).toBe(free);
  });

  test("outlive their owner as they were, and nobody can change them any more", () => {
    const { rig, alice, bob } = pair();
    const carol = rig.environment([1, 3]);
    const list = listFrame(carol, 41, [makeCapability([1, 2], write)]);
    must(carol.guardSet(FRAME, 41, 1, { name: [1, 1], rights: write }, own));
    must(alice.guardExtend(FRAME, 40, list.number, 1, own));
    must(rig.root.environmentDestroy(carol.self, own));
    expect(mayBind(bob, 40, true)).toBe("ok");
    for (const gate of [rig.root, alice, bob]) expect(mayBind(gate, 41, true)).toBe("BadFrame");
    expect(outcome(rig.root.framesAlloc(frame(41), 1, own))).toBe("Busy");
    expect(outcome(alice.guardExtend(FRAME, 40, frame(41), 1, own))).toBe("BadFrame");
    expect(outcome(rig.root.guardSet(FRAME, 41, 1, undefined, own))).toBe("BadResource");
    checkTables(rig.root);
    must(alice.guardExtend(FRAME, 40, frame(0), 0, own));
    expect(rig.root.frames.owner(41)).toBe(0);
    const next = listFrame(bob, 41);
    expect(next.window.getU32(0)).toBe(0);
  });

  test("belong to an environment's own guard until it ends, and are unpinned once", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    must(bob.framesAlloc(frame(41), 1, own));
    must(bob.guardSet(FRAME, 41, 1, { name: [1, 1], rights: write }, own));
    must(alice.guardExtend(RESOURCE_KINDS.environment, alice.self, frame(41), 1, own));
    must(alice.guardExtend(RESOURCE_KINDS.environment, alice.self, frame(41), 1, own));
    expect(rig.root.frames.pins(41)).toBe(1);
    must(rig.root.environmentDestroy(alice.self, own));
    expect(rig.root.frames.pins(41)).toBe(0);
    must(bob.framesFree(frame(41), 1, own));
  });
});

test("whoever reaches any of entries and records is let in, with the rights that both have, and nobody else", () => {
  const rig = makeRig();
  const { root } = rig;
  const list = listFrame(root, 41);
  must(root.framesAlloc(frame(40), 1, must(root.capabilityForge(own, { name: [7, 7], rights: all }))));
  const held = rig.environment([9, 9]);
  const first = makeCapability([7, 7], all);
  const some = fc.array(arbitraryCapability(), { maxLength: 3 });
  fc.assert(
    fc.property(some, some, arbitraryCapability(), (entries, records, capability) => {
      for (let i = 1; i < GUARD_ENTRIES; i++) must(root.guardSet(FRAME, 40, i, entries[i - 1], own));
      for (const [i, record] of records.entries()) putRecord(list.window, i, encodeCapability(record));
      must(root.guardExtend(FRAME, 40, list.number, records.length, own));
      const slot = must(root.capabilityGrant(held.self, capability, own, own));
      const guard = [first, ...entries, ...records];
      for (const writable of [false, true]) {
        const isReached = guard.some((entry) => reaches(capability, entry, writable ? write : none));
        expect(mayBind(held, 40, writable, slot)).toBe(isReached ? "ok" : "BadCapability");
      }
      must(held.capabilityDestroy(slot));
      expect(root.guards.entries(FRAME, 40)).toBe(1 + entries.length);
    }),
    { numRuns: 300 },
  );
});

describe("the table of guards", () => {
  test("shows entries, names, rights, the frame and its records", () => {
    const { rig, alice, bob } = pair();
    const { guards } = bob;
    const row = (): unknown[] => [
      guards.entries(FRAME, 40),
      guards.name(FRAME, 40, 0),
      guards.rights(FRAME, 40, 0),
      guards.name(FRAME, 40, 3),
      guards.rights(FRAME, 40, 3),
      guards.list(FRAME, 40),
      guards.records(FRAME, 40),
    ];
    expect(row()).toEqual([1, "1.1", all, "", -1, -1, 0]);
    must(alice.guardSet(FRAME, 40, 3, { name: [1, 2, 3], rights: write }, own));
    const list = listFrame(alice, 41);
    must(alice.guardExtend(FRAME, 40, list.number, 9, own));
    expect(row()).toEqual([2, "1.1", all, "1.2.3", write, 41, 9]);
    expect([guards.name(FRAME, 40, 1), guards.rights(FRAME, 40, 1)]).toEqual(["", -1]);
    must(alice.guardSet(FRAME, 40, 3, undefined, own));
    expect(row()).toEqual([1, "1.1", all, "", -1, 41, 9]);
    must(alice.framesFree(frame(40), 1, own));
    expect(row()).toEqual([0, "", -1, "", -1, -1, 0]);
    expect(rig.root.guards.entries(RESOURCE_KINDS.environment, bob.self)).toBe(1);
  });

  test("shows nothing for what is no resource", () => {
    const { guards } = pair().alice;
    const nothing = [0, -1, 1.5, Number.NaN, 256, 9999];
    for (const kind of [...Object.values(RESOURCE_KINDS), 0, 10, -1, Number.NaN])
      for (const id of nothing)
        expect([
          guards.entries(kind, id),
          guards.name(kind, id, 0),
          guards.rights(kind, id, 0),
          guards.list(kind, id),
          guards.records(kind, id),
        ]).toEqual([0, "", -1, -1, 0]);
    expect(guards.entries(FRAME, 40)).toBe(1);
    for (const entry of [-1, 4, 0.5, Number.NaN]) expect(guards.rights(FRAME, 40, entry)).toBe(-1);
  });
});

describe("refusals", () => {
  test("of guardSet change nothing", () => {
    const { rig, alice, bob } = pair();
    const before = tableState(rig.root);
    const weak = forged(alice, [1, 1], write | allocate);
    const stale = must(alice.environmentCreate(() => ({ sliceBegin: () => {} }), own));
    must(alice.environmentDestroy(stale, own));
    const good = { name: [1, 2], rights: all };
    const set = (kind: unknown, id: unknown, entry: unknown, capability: unknown, slot: unknown): string =>
      outcome(
        alice.guardSet(
          kind as ResourceKind,
          id as number,
          entry as number,
          capability as never,
          slot as CapSlot,
        ),
      );
    const noResource: readonly (readonly [unknown, unknown])[] = [
      [FRAME, 39],
      [FRAME, 255],
      [FRAME, 100_000],
      [FRAME, -1],
      [FRAME, "40"],
      [RING, 65537],
      [RESOURCE_KINDS.environment, stale],
      [RESOURCE_KINDS.slice, 3],
      [0, 40],
      [10, 40],
      ["frame", 40],
      [undefined, 40],
      [Number.NaN, 40],
    ];
    for (const [kind, id] of noResource) expect(set(kind, id, 1, good, own)).toBe("BadResource");
    for (const entry of [-1, GUARD_ENTRIES, 0.5, Number.NaN, "1", undefined])
      expect(set(FRAME, 40, entry, good, own)).toBe("BadGuard");
    expect(set(FRAME, 40, 0, undefined, own)).toBe("BadGuard");
    expect(set(FRAME, 40, 0, { name: [1, 1], rights: write }, own)).toBe("BadGuard");
    expect(set(FRAME, 40, 0, good, own)).toBe("BadGuard");
    expect(set(FRAME, 40, 0, { name: [1], rights: all }, own)).toBe("BadGuard");
    for (const bad of [null, 7, {}, { name: [256], rights: 0 }, { name: [1], rights: 8 }, { name: "1" }])
      expect(set(FRAME, 40, 1, bad, own)).toBe("BadName");
    for (const slot of [9, -1, 32, undefined, "0"]) expect(set(FRAME, 40, 1, good, slot)).toBe("BadSlot");
    for (const slot of [weak, WELL_KNOWN_SLOT]) expect(set(FRAME, 40, 1, good, slot)).toBe("BadCapability");
    expect(outcome(bob.guardSet(FRAME, 40, 1, good, own))).toBe("BadCapability");
    expect(tableState(rig.root)).toBe(before);
    expect(rig.root.guards.entries(FRAME, 40)).toBe(1);
  });

  test("of guardExtend change nothing", () => {
    const { rig, alice, bob } = pair();
    const list = listFrame(alice, 41);
    must(bob.framesAlloc(frame(50), 1, own));
    const weak = forged(alice, [1, 1], duplicate);
    const writer = forged(alice, [1, 1], write);
    const before = tableState(rig.root);
    const extend = (kind: unknown, id: unknown, at: unknown, count: unknown, slot: unknown): string =>
      outcome(
        alice.guardExtend(
          kind as ResourceKind,
          id as number,
          at as FrameNumber,
          count as number,
          slot as CapSlot,
        ),
      );
    for (const [kind, id] of [
      [FRAME, 39],
      [RING, 1],
      [0, 40],
      [FRAME, {}],
    ])
      expect(extend(kind, id, list.number, 1, own)).toBe("BadResource");
    for (const at of [39, -1, 256, 255, 0.5, Number.NaN, "41", undefined])
      expect(extend(FRAME, 40, at, 1, own)).toBe("BadFrame");
    for (const count of [-1, GUARD_RECORDS + 1, 0.5, Number.NaN, "1", undefined])
      expect(extend(FRAME, 40, list.number, count, own)).toBe("BadRange");
    for (const slot of [9, -1, 32, undefined])
      expect(extend(FRAME, 40, list.number, 1, slot)).toBe("BadSlot");
    for (const slot of [weak, writer, WELL_KNOWN_SLOT])
      expect(extend(FRAME, 40, list.number, 1, slot)).toBe("BadCapability");
    expect(extend(FRAME, 40, 50, 1, own)).toBe("BadCapability");
    expect(extend(FRAME, 40, rig.root.system.frame, 1, own)).toBe("BadCapability");
    expect(outcome(bob.guardExtend(FRAME, 40, frame(50), 1, own))).toBe("BadCapability");
    expect(tableState(rig.root)).toBe(before);
    expect(extend(FRAME, 40, list.number, 1, own)).toBe("ok");
  });
});
