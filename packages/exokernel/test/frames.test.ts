import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  KERNEL,
  RESOURCE_KINDS,
  WINDOWS,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type EnvId,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import { checkTables, makeRig, outcome, placeEnvironment, type Rig } from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";

const own = capSlot(0);

test("[K2] frame 17 twice: ok, then busy; a cache-colouring allocator has no conflicts where a random one has", () => {
  const rig = makeRig();
  const user = rig.environment([1, 1]);
  expect(outcome(user.framesAlloc(frame(17), 1, own))).toBe("ok");
  expect(outcome(user.framesAlloc(frame(17), 1, own))).toBe("Busy");
  expect(outcome(user.framesAlloc(frame(16), 3, own))).toBe("Busy");
  expect(user.frames.owner(16)).toBe(0);
  expect(outcome(user.frameAllocAny(own))).toBe("ok");
  const pages = 16;
  expect(conflicts(byColour(rig.environment([1, 2]), pages))).toBe(0);
  expect(conflicts(byChance(rig.environment([1, 3]), pages))).toBeGreaterThan(0);
});

const COLOURS = 16;

/** Pages whose frame has a colour that an earlier page's frame has: they evict each other from a physical cache. */
const conflicts = (frames: readonly number[]): number =>
  frames.length - new Set(frames.map((number) => number % COLOURS)).size;

/** A policy of the library: page `p` in any free frame of colour `p`. */
function byColour(gate: Gate, pages: number): number[] {
  const got: number[] = [];
  for (let page = 0; page < pages; page++) {
    let f = page % COLOURS;
    while (gate.frames.owner(f) !== 0) f += COLOURS;
    got.push(must(gate.framesAlloc(frame(f), 1, own)));
  }
  return got;
}

/** Another: frames drawn from a fixed pseudo-random sequence. */
function byChance(gate: Gate, pages: number): number[] {
  const got: number[] = [];
  for (let x = 12_345; got.length < pages; x = (x * 1_103_515_245 + 12_345) % 2 ** 31) {
    const taken = gate.framesAlloc(frame((x >> 8) % gate.frames.count), 1, own);
    if (!failed(taken)) got.push(taken);
  }
  return got;
}

test("[K3] the owner may change the guard of a frame, an environment without the right may not", () => {
  const rig = makeRig();
  const owner = rig.environment([1, 1]);
  const other = rig.environment([1, 2]);
  must(owner.framesAlloc(frame(5), 1, own));
  const shared = { name: [1, 2], rights: RIGHTS.all };
  expect(outcome(other.guardSet(RESOURCE_KINDS.frame, 5, 1, shared, own))).toBe("BadCapability");
  expect(outcome(other.windowBind(frame(5), 1, false, own))).toBe("BadCapability");
  const weak = must(owner.capabilityForge(own, { name: [1, 1], rights: RIGHTS.write }));
  expect(outcome(owner.guardSet(RESOURCE_KINDS.frame, 5, 1, shared, weak))).toBe("BadCapability");
  expect(outcome(owner.guardSet(RESOURCE_KINDS.frame, 5, 1, shared, own))).toBe("ok");
  expect(outcome(other.windowBind(frame(5), 1, false, own))).toBe("ok");
  must(owner.guardSet(RESOURCE_KINDS.frame, 5, 1, { name: [1, 2], rights: RIGHTS.write }, own));
  expect(outcome(other.guardSet(RESOURCE_KINDS.frame, 5, 1, shared, own))).toBe("BadCapability");
});

test("[K1] the owner of every resource can be read, and death frees exactly what was held", () => {
  const rig = makeRig();
  const { root } = rig;
  const other = rig.environment([1, 2]);
  must(other.framesAlloc(frame(200), 2, own));
  must(other.messageRingBind(frame(200), 2, own));
  const before = census(root);
  const user = rig.environment([1, 1], { slices: [4, 5] });
  const row = rowOf(user.self);
  must(user.framesAlloc(frame(10), 12, own));
  const window = must(user.windowBind(frame(13), 2, true, own));
  const owners = [...holdDevices(rig, user, other), ...holdMemory(rig, user, window)];
  for (const owner of owners) expect(owner).toBe(user.self);
  expect([root.slices.owner(4), root.slices.owner(5), root.frames.owner(12)]).toEqual(
    Array.from({ length: 3 }, () => user.self),
  );
  expect(root.guards.list(RESOURCE_KINDS.frame, 10)).toBe(18);
  // Two frames for the region and the ring of messages, and a child that is its own.
  expect([root.environments.frames(row), root.environments.regions(row)]).toEqual([12, 1]);
  const child = must(user.environmentCreate(() => ({ sliceBegin: () => {} }), own));
  expect(root.environments.parent(rowOf(child))).toBe(user.self);
  const held = census(root);
  for (const [kind, count] of Object.entries(held))
    expect([kind, count > (before[kind] ?? 0)]).toEqual([kind, true]);
  must(root.environmentDestroy(child, own));
  must(root.environmentDestroy(user.self, own));
  // The engine lets go of the copy that was cancelled in its own time, and it shows nowhere.
  const status = must(root.windowBind(must(root.framesAlloc(frame(14), 1, own)), 1, false, own));
  while (root.dma.pending() > 0) {
    rig.machine.clock.advance(rig.kernel.wakeAt());
    rig.run();
  }
  expect(status.getU32(0)).toBe(0);
  must(root.framesFree(frame(14), 1, own));
  expect(census(root)).toEqual(before);
  expect(() => window.getU8(0)).toThrow(RangeError);
  expect(outcome(other.capabilityAcquire(user.self))).toBe("BadEnvironment");
  expect(outcome(root.environmentDestroy(user.self, own))).toBe("BadEnvironment");
  checkTables(root);
});

/** Binds one thing of each device to `user`; who is said to own each. */
function holdDevices({ root, grant, machine }: Rig, user: Gate, other: Gate): EnvId[] {
  const nic = grant(user, { name: [2, 0], rights: RIGHTS.write | RIGHTS.allocate });
  const disk = grant(user, { name: [3, 0], rights: RIGHTS.allocate });
  const display = grant(root, { name: [6, 0], rights: RIGHTS.allocate });
  const type = { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x800 } as const;
  const ring = must(user.ringBind(frame(10), 3, own));
  const filter = must(user.filterInsert(0, [type], ring, nic, own));
  const mine = must(user.transmitBind(0, [type], user.self, nic, own));
  const theirs = must(user.transmitBind(0, [type], other.self, nic, own));
  const extent = must(user.extentAlloc(0, 10, 20, disk, own));
  machine.streams[0]?.world.open();
  const stream = must(user.streamAccept(0, grant(user, { name: [5, 0], rights: 0 })));
  must(root.tilesTag(0, 3, 2, user.self, display));
  expect(root.transmits.user(rowOf(theirs))).toBe(other.self);
  return [
    root.rings.owner(rowOf(ring)),
    root.filters.owner(rowOf(filter)),
    root.transmits.owner(rowOf(mine)),
    root.transmits.owner(rowOf(theirs)),
    root.transmits.user(rowOf(mine)),
    root.extents.owner(rowOf(extent)),
    root.streams.owner(rowOf(stream)),
    root.displays.owner(0, 3),
    root.displays.owner(0, 4),
  ];
}

/** Makes one of each thing that lies in memory, on frames 13 to 21; who is said to own those with an owner. */
function holdMemory({ root }: Rig, user: Gate, window: Window): EnvId[] {
  const region = must(user.regionCreate(frame(15), 8, 100, own));
  const ring = must(user.messageRingBind(frame(16), 2, own));
  must(user.guardExtend(RESOURCE_KINDS.frame, 10, frame(18), 1, own));
  must(user.framesGuarantee(frame(19), 1, true));
  must(user.predicateWait([{ tag: 1, terms: [{ window, at: 8, comparison: "equal", value: 1 }] }]));
  const copy = { from: window, fromAt: 0, to: window, toAt: 100, length: 100 };
  must(user.dmaCopy({ ...copy, statusWindow: window, statusAt: FRAME_BYTES }));
  must(user.capabilityOffer(root.self, { name: [1, 1], rights: RIGHTS.none }, own));
  return [root.regions.owner(rowOf(region)), root.messageRings.owner(rowOf(ring)), root.frames.owner(19)];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Everything held by anybody, by kind. */
function census(gate: Gate): Record<string, number> {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const rows = (count: number, held: (row: number) => number): number =>
    upTo(count).filter((row) => held(row) !== 0).length;
  const { frames, displays } = gate;
  return {
    environments: rows(gate.environments.count, gate.environments.state),
    slices: rows(gate.slices.count, gate.slices.owner),
    frames: frames.count - frames.free(),
    bindings: sum(upTo(frames.count).map(frames.bindings)),
    pins: sum(upTo(frames.count).map(frames.pins)),
    guaranteed: rows(frames.count, frames.guaranteed),
    lists: rows(frames.count, (f) => gate.guards.records(RESOURCE_KINDS.frame, f)),
    rings: rows(gate.rings.count, gate.rings.owner),
    filters: rows(gate.filters.count, gate.filters.owner),
    transmits: rows(gate.transmits.count, gate.transmits.user),
    extents: rows(gate.extents.count, gate.extents.owner),
    streams: rows(gate.streams.count, gate.streams.owner),
    regions: rows(gate.regions.count, gate.regions.owner),
    messageRings: rows(gate.messageRings.count, gate.messageRings.owner),
    tiles: rows(8 * 4, (tile) => displays.owner(0, tile)),
    copies: gate.dma.pending(),
  };
}

test("a frame that outlives its owner is the kernel's, and counted to nobody", () => {
  const { kernel, root } = load(makeSimulatedMachine({ frames: 64 }));
  const user = placeEnvironment(root, [1, 1]);
  const other = placeEnvironment(root, [1, 2]);
  must(user.framesAlloc(frame(10), 2, own));
  must(other.framesAlloc(frame(20), 1, own));
  must(user.guardSet(RESOURCE_KINDS.frame, 10, 1, { name: [1, 2], rights: RIGHTS.write }, own));
  must(other.guardExtend(RESOURCE_KINDS.frame, 20, frame(10), 1, own));
  must(root.environmentDestroy(user.self, own));
  expect([root.frames.owner(10), root.frames.owner(11), root.frames.pins(10)]).toEqual([KERNEL, 0, 1]);
  expect(root.environments.frames(rowOf(other.self))).toBe(1);
  checkKernel(kernel);
  checkTables(root);
  must(other.guardExtend(RESOURCE_KINDS.frame, 20, frame(10), 0, own));
  expect(root.frames.owner(10)).toBe(0);
  checkKernel(kernel);
  checkTables(root);
});

describe("windows", () => {
  const bound = (count = 2): { gate: Gate; window: Window } => {
    const gate = makeRig().environment([1, 1]);
    must(gate.framesAlloc(frame(8), count, own));
    return { gate, window: must(gate.windowBind(frame(8), count, true, own)) };
  };

  test("an environment has a bounded number of windows, and does not slow down others by them", () => {
    const rig = makeRig(1024);
    const many = rig.environment([1, 1]);
    must(many.framesAlloc(frame(0), 1, own));
    for (let i = 0; i < WINDOWS; i++) must(many.windowBind(frame(0), 1, false, own));
    expect(outcome(many.windowBind(frame(0), 1, false, own))).toBe("Full");
    expect(many.frames.bindings(0)).toBe(WINDOWS);
    const other = rig.environment([1, 2]);
    must(other.framesAlloc(frame(512), 1, own));
    expect(outcome(other.windowBind(frame(512), 1, false, own))).toBe("ok");
    must(many.framesFree(frame(0), 1, own));
    expect(many.frames.bindings(0)).toBe(0);
    expect(outcome(many.framesAlloc(frame(0), 1, own))).toBe("ok");
    expect(outcome(many.windowBind(frame(0), 1, false, own))).toBe("ok");
  });

  test("an array with a method, a getter or a species of its own sees nothing of physical memory", () => {
    const { window } = bound(1);
    const seen: unknown[] = [];
    class Spy extends Uint8Array {
      static get [Symbol.species](): Uint8ArrayConstructor {
        return function (...given: unknown[]) {
          seen.push(...given);
          return new Uint8Array(0);
        } as unknown as Uint8ArrayConstructor;
      }
      override set(...given: unknown[]): void {
        seen.push(...given);
      }
      override subarray(...given: unknown[]): Uint8Array<ArrayBuffer> {
        seen.push(...given);
        return new Uint8Array(0);
      }
    }
    const spy = new Spy(256);
    window.fill(0, 256, 7);
    window.read(0, spy, 0, 256);
    expect(spy[255]).toBe(7);
    spy[0] = 9;
    window.write(0, spy, 0, 256);
    expect(window.getU8(0)).toBe(9);
    expect(seen).toEqual([]);
    expect(() => window.read(0, { length: 256 } as never, 0, 128)).toThrow(TypeError);
  });

  test("what is written to a frame is what another window on it reads", () => {
    const { gate, window } = bound();
    const second = must(gate.windowBind(frame(9), 1, false, own));
    window.setU32(FRAME_BYTES + 8, 0xdeadbeef);
    expect(second.getU32(8)).toBe(0xdeadbeef);
    expect(second.getU16(10)).toBe(0xbeef);
    expect(second.getU8(8)).toBe(0xde);
    expect(second.getU32LE(8)).toBe(0xefbeadde);
  });

  test("a window dies with its binding: unbound, or its frame freed", () => {
    const { gate, window } = bound();
    const half = must(gate.windowBind(frame(9), 1, true, own));
    must(gate.framesFree(frame(9), 1, own));
    for (const dead of [window, half]) {
      expect(dead.length).toBe(0);
      expect(() => dead.getU8(0)).toThrow(RangeError);
      expect(() => dead.setU32(0, 1)).toThrow(RangeError);
      expect(() => dead.fill(0, 1, 1)).toThrow(RangeError);
      expect(outcome(gate.windowUnbind(dead))).toBe("BadWindow");
    }
    expect(gate.frames.bindings(8)).toBe(0);
    const again = must(gate.windowBind(frame(8), 1, true, own));
    must(gate.windowUnbind(again));
    expect(() => again.getU8(0)).toThrow(RangeError);
  });

  test("no access outside the run, by any method", () => {
    const { window } = bound(1);
    const bytes = new Uint8Array(8);
    const attempts: (() => unknown)[] = [
      () => window.getU8(FRAME_BYTES),
      () => window.getU32(FRAME_BYTES - 3),
      () => window.getU8(-1),
      () => window.read(FRAME_BYTES - 4, bytes, 0, 8),
      () => window.read(0, bytes, 4, 8),
      () => window.write(-1, bytes, 0, 1),
      () => window.copy(0, window, FRAME_BYTES - 1, 2),
      () => window.fill(0, FRAME_BYTES + 1, 0),
      () => window.checksum(1, FRAME_BYTES, 0),
      () => window.equals(0, window, 1, FRAME_BYTES),
      () => window.text(0, FRAME_BYTES + 1),
      () => window.read(0.5, bytes, 0, 1),
      () => window.read(0, bytes, 0, Number.NaN),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(RangeError);
  });

  test("a window that is not bound for writing cannot be written through", () => {
    const { gate, window } = bound(1);
    const reader = must(gate.windowBind(frame(8), 1, false, own));
    const bytes = new Uint8Array(4);
    const writes: (() => unknown)[] = [
      () => reader.setU8(0, 1),
      () => reader.setU32(0, 1),
      () => reader.write(0, bytes, 0, 4),
      () => reader.copy(0, window, 0, 4),
      () => reader.fill(0, 4, 1),
    ];
    for (const write of writes) expect(write).toThrow(TypeError);
    expect(reader.getU32(0)).toBe(0);
  });

  test("no buffer of physical memory can be reached through a window", () => {
    const { window } = bound(1);
    const names = Object.getOwnPropertyNames(window);
    expect(names).toEqual([]);
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(window))) {
      if (name === "length" || name === "constructor") continue;
      const value: unknown = (window as unknown as Record<string, unknown>)[name];
      expect(typeof value).toBe("function");
    }
  });
});

test("a frame that changes owner shows nothing of the old contents; one that stays is not touched", () => {
  const rig = makeRig();
  const first = rig.environment([1, 1]);
  const second = rig.environment([1, 2]);
  must(first.framesAlloc(frame(20), 2, own));
  must(first.windowBind(frame(20), 2, true, own)).fill(0, 2 * FRAME_BYTES, 0xaa);
  must(first.framesFree(frame(20), 2, own));
  must(first.framesAlloc(frame(21), 1, own));
  expect(must(first.windowBind(frame(21), 1, false, own)).getU8(7)).toBe(0xaa);
  must(second.framesAlloc(frame(20), 1, own));
  const seen = must(second.windowBind(frame(20), 1, false, own));
  for (let at = 0; at < FRAME_BYTES; at += 4) expect(seen.getU32(at)).toBe(0);
});

test("frames cannot be freed, bound or guarded by numbers that name none", () => {
  const gate = makeRig().environment([1, 1]);
  for (const bad of [-1, 256, 1.5, Number.NaN, "3", undefined, {}] as never[]) {
    expect(outcome(gate.framesAlloc(bad, 1, own))).toBe("BadFrame");
    expect(outcome(gate.framesFree(bad, 1, own))).toBe("BadFrame");
    expect(outcome(gate.windowBind(bad, 1, true, own))).toBe("BadFrame");
    expect(outcome(gate.guardSet(RESOURCE_KINDS.frame, bad, 1, { name: [1], rights: 0 }, own))).toBe(
      "BadResource",
    );
  }
  for (const count of [0, -1, 257, 1.5, Number.NaN, undefined] as never[])
    expect(outcome(gate.framesAlloc(frame(0), count, own))).toBe("BadRange");
  expect(outcome(gate.framesFree(frame(3), 1, own))).toBe("BadFrame");
});
