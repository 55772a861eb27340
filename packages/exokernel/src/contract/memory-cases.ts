/** Frames and windows: what a kernel must keep. */
import { RESOURCE_KINDS } from "../abi/resources.ts";
import type { ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS } from "@exolith/secure-bind";
import { expect } from "vitest";
import { failed, must } from "../abi/errors.ts";
import { FRAME_BYTES, frame, type FrameNumber } from "../abi/ids.ts";
import type { Gate } from "../abi/gate.ts";
import type { Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

const user = (h: KernelHarness, name = 1): Gate => placeEnvironment(h.root, [1, name]);

const bound = (h: KernelHarness, count = 2): { gate: Gate; window: Window } => {
  const gate = user(h);
  must(gate.framesAlloc(frame(10), count, own));
  return { gate, window: must(gate.windowBind(frame(10), count, true, own)) };
};

const claims = (h: KernelHarness): void => {
  const gate = user(h);
  const other = user(h, 2);
  const free = h.root.frames.free();
  must(gate.framesAlloc(frame(12), 1, own));
  expect(outcome(other.framesAlloc(frame(12), 1, own))).toBe("Busy");
  expect(outcome(other.framesAlloc(frame(10), 4, own))).toBe("Busy");
  expect([10, 11, 13].map((f) => h.root.frames.owner(f))).toEqual([0, 0, 0]);
  expect(outcome(gate.framesAlloc(frame(h.root.frames.count), 1, own))).toBe("BadFrame");
  expect(outcome(gate.framesAlloc(frame(h.root.frames.count - 1), 2, own))).toBe("BadRange");
  for (const bad of NO_NUMBERS as FrameNumber[]) {
    expect(outcome(gate.framesAlloc(bad, 1, own))).toBe("BadFrame");
    expect(outcome(gate.framesAlloc(frame(10), bad, own))).toBe("BadRange");
  }
  expect(h.root.frames.owner(12)).toBe(gate.self);
  expect(h.root.frames.free()).toBe(free - 1);
  expect(h.root.environments.frames(rowOfSelf(gate))).toBe(1);
};

const claimsAny = (h: KernelHarness): void => {
  const gate = user(h);
  const free = h.root.frames.free();
  for (let i = 0; i < free; i++) expect(h.root.frames.owner(must(gate.frameAllocAny(own)))).toBe(gate.self);
  expect(h.root.frames.free()).toBe(0);
  expect(outcome(gate.frameAllocAny(own))).toBe("Full");
};

const gives = (h: KernelHarness): void => {
  const { gate, window } = bound(h);
  const other = user(h, 2);
  expect(outcome(other.framesFree(frame(10), 1, own))).toBe("BadCapability");
  expect(outcome(gate.framesFree(frame(11), 2, own))).toBe("BadFrame");
  const weak = must(gate.capabilityForge(own, { name: [1, 1], rights: RIGHTS.duplicate }));
  expect(outcome(gate.framesFree(frame(10), 1, weak))).toBe("BadCapability");
  expect(window.length).toBe(2 * FRAME_BYTES);
  must(gate.framesFree(frame(11), 1, own));
  expect(window.length).toBe(0);
  expect(outcome(gate.framesFree(frame(11), 1, own))).toBe("BadFrame");
  expect(h.root.frames.owner(10)).toBe(gate.self);
};

const neverShows = (h: KernelHarness): void => {
  const { gate, window } = bound(h);
  window.fill(0, window.length, 0x5a);
  must(gate.framesFree(frame(10), 2, own));
  const heir = user(h, 2);
  must(heir.framesAlloc(frame(10), 2, own));
  const seen = must(heir.windowBind(frame(10), 2, false, own));
  for (let at = 0; at < seen.length; at += 4)
    if (seen.getU32(at) !== 0) throw new Error(`old contents at ${at}`);
};

const changesGuards = (h: KernelHarness): void => {
  const { gate } = bound(h, 1);
  const other = user(h, 2);
  const theirs = { name: [1, 2], rights: RIGHTS.all };
  expect(outcome(other.guardSet(RESOURCE_KINDS.frame, 10, 1, theirs, own))).toBe("BadCapability");
  expect(outcome(other.windowBind(frame(10), 1, true, own))).toBe("BadCapability");
  expect(outcome(gate.guardSet(RESOURCE_KINDS.frame, 10, 1, { name: [300], rights: 0 }, own))).toBe(
    "BadName",
  );
  expect(outcome(gate.guardSet(RESOURCE_KINDS.frame, 9, 1, theirs, own))).toBe("BadResource");
  expect(outcome(gate.guardSet(RESOURCE_KINDS.frame, 10, 0, theirs, own))).toBe("BadGuard");
  must(gate.guardSet(RESOURCE_KINDS.frame, 10, 1, theirs, own));
  expect(outcome(other.windowBind(frame(10), 1, true, own))).toBe("ok");
  must(gate.guardSet(RESOURCE_KINDS.frame, 10, 1, undefined, own));
  expect(outcome(other.windowBind(frame(10), 1, true, own))).toBe("BadCapability");
};

const bigEndian = (h: KernelHarness): void => {
  const { gate, window } = bound(h);
  const second = must(gate.windowBind(frame(11), 1, false, own));
  window.setU32(FRAME_BYTES + 8, 0xdeadbeef);
  expect([second.getU32(8), second.getU16(10), second.getU8(8)]).toEqual([0xdeadbeef, 0xbeef, 0xde]);
  expect(second.getU32LE(8)).toBe(0xefbeadde);
  window.setU16(0, 0x1234);
  window.setU32LE(4, 0x01020304);
  expect([window.getU8(0), window.getU8(1), window.getU8(4)]).toEqual([0x12, 0x34, 4]);
};

const copies = (h: KernelHarness): void => {
  const { window } = bound(h);
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i + 1);
  const back = new Uint8Array(100);
  window.write(3, bytes, 10, 90);
  window.copy(FRAME_BYTES - 20, window, 3, 90);
  window.read(FRAME_BYTES - 20, back, 0, 90);
  expect([...back.subarray(0, 90)]).toEqual([...bytes.subarray(10)]);
  expect(window.equals(3, window, FRAME_BYTES - 20, 90)).toBe(true);
  window.fill(3, 1, 0xff);
  expect(window.equals(3, window, FRAME_BYTES - 20, 90)).toBe(false);
  window.setU32(200, 0x00010203);
  expect(window.checksum(200, 4, 0)).toBe(0x0204);
  window.write(300, Uint8Array.from([72, 105]), 0, 2);
  expect(window.text(300, 2)).toBe("Hi");
};

const readOnly = (h: KernelHarness): void => {
  const { gate, window } = bound(h, 1);
  const reader = must(gate.windowBind(frame(10), 1, false, own));
  window.setU32(0, 7);
  for (const attempt of [
    () => reader.setU8(3, 1),
    () => reader.setU32(0, 1),
    () => reader.fill(0, 4, 1),
    () => reader.copy(0, window, 8, 4),
    () => reader.write(0, new Uint8Array(4), 0, 4),
  ])
    expect(attempt).toThrow(TypeError);
  expect(reader.getU32(0)).toBe(7);
  const stranger = grant(h, gate, { name: [9], rights: RIGHTS.all });
  expect(outcome(gate.windowBind(frame(10), 1, true, stranger))).toBe("BadCapability");
};

const outside = (h: KernelHarness): void => {
  const { window } = bound(h, 1);
  const bytes = new Uint8Array(8);
  for (const attempt of [
    () => window.getU8(FRAME_BYTES),
    () => window.getU32(FRAME_BYTES - 3),
    () => window.getU8(-1),
    () => window.setU16(FRAME_BYTES - 1, 0),
    () => window.read(FRAME_BYTES - 4, bytes, 0, 8),
    () => window.read(0, bytes, 4, 8),
    () => window.write(FRAME_BYTES - 4, bytes, 0, 8),
    () => window.fill(1, FRAME_BYTES, 0),
    () => window.fill(-1, 1, 0),
    () => window.copy(FRAME_BYTES - 4, window, 0, 8),
    () => window.checksum(FRAME_BYTES - 1, 2, 0),
    () => window.text(0, FRAME_BYTES + 1),
  ])
    expect(attempt).toThrow(RangeError);
};

const windowsDie = (h: KernelHarness): void => {
  const { gate, window } = bound(h);
  const other = user(h, 2);
  expect(outcome(other.windowUnbind(window))).toBe("BadWindow");
  for (const alien of [undefined, null, 7, {}, Object.create(window)] as Window[])
    expect(outcome(gate.windowUnbind(alien))).toBe("BadWindow");
  const before = h.root.frames.bindings(10);
  must(gate.windowUnbind(window));
  expect(h.root.frames.bindings(10)).toBe(before - 1);
  expect(window.length).toBe(0);
  expect(() => window.getU8(0)).toThrow(RangeError);
  expect(() => window.setU8(0, 1)).toThrow(RangeError);
  expect(() => window.fill(0, 1, 1)).toThrow(RangeError);
  expect(outcome(gate.windowUnbind(window))).toBe("BadWindow");
};

const noPhysicalView = (h: KernelHarness): void => {
  const { window } = bound(h, 1);
  const stolen: unknown[] = [];
  const trap = new Uint8Array(FRAME_BYTES);
  Object.defineProperty(trap, "set", { value: (view: unknown) => void stolen.push(view) });
  Object.defineProperty(trap, "subarray", { value: (view: unknown) => void stolen.push(view) });
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (reason) {
      expect(reason).toBeInstanceOf(Error);
    }
  };
  attempt(() => window.read(0, trap, 0, FRAME_BYTES));
  attempt(() => window.write(0, trap, 0, FRAME_BYTES));
  attempt(() =>
    window.read(
      0,
      { length: FRAME_BYTES, set: (view: unknown) => stolen.push(view) } as never,
      0,
      FRAME_BYTES,
    ),
  );
  expect(stolen.filter((value) => ArrayBuffer.isView(value))).toEqual([]);
  for (const key of Reflect.ownKeys(window)) expect(ArrayBuffer.isView(Reflect.get(window, key))).toBe(false);
};

const sharedByName = (h: KernelHarness): void => {
  const { gate, window } = bound(h, 1);
  const friend = user(h, 2);
  const key = grant(h, friend, { name: [1, 1], rights: RIGHTS.none });
  expect(outcome(friend.windowBind(frame(10), 1, true, key))).toBe("BadCapability");
  const all = grant(h, friend, { name: [1, 1], rights: RIGHTS.all });
  const shared = must(friend.windowBind(frame(10), 1, true, all));
  shared.setU32(0, 99);
  expect(window.getU32(0)).toBe(99);
  const third = user(h, 3);
  const theirs = must(
    third.windowBind(frame(10), 1, true, grant(h, third, { name: [1, 1], rights: RIGHTS.all })),
  );
  must(h.root.environmentDestroy(third.self, own));
  expect([theirs.length, shared.length]).toEqual([0, FRAME_BYTES]);
  must(h.root.environmentDestroy(gate.self, own));
  expect(shared.length).toBe(0);
  const again = friend.windowBind(frame(10), 1, true, all);
  expect(failed(again)).toBe(true);
};

/** The cases of this part. */
export const MEMORY_CASES: readonly ContractCase<KernelHarness>[] = [
  ["claims named frames, all or none", claims],
  ["claims any free frame until there is none", claimsAny],
  ["gives frames back with authority, and breaks what is bound to them", gives],
  ["never shows what another environment left in a frame", neverShows],
  ["changes the guard of a frame for who may", changesGuards],
  ["shows the same bytes in network order through every window on a frame", bigEndian],
  ["copies, compares, fills and sums", copies],
  ["refuses writing through a window bound for reading", readOnly],
  ["refuses every access outside a window", outside],
  ["breaks a window when it is unbound, for its owner alone", windowsDie],
  ["hands out no view of physical memory", noPhysicalView],
  ["lets environments share a frame by capability, and takes it from both when it goes", sharedByName],
];
