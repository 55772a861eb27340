/** What a hostile environment may try with the objects that the kernel hands out. */
import { expect, test } from "vitest";
import { RIGHTS } from "@exolith/secure-bind";
import {
  FRAME_BYTES,
  KERNEL,
  RESOURCE_KINDS,
  WELL_KNOWN_SLOT,
  capSlot,
  frame,
  must,
  type FrameNumber,
  type Gather,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, tableState } from "../src/testing/index.ts";

const own = capSlot(0);

test("a window leads to no maker of windows, and its methods cannot be replaced for others", () => {
  const gate = makeRig().environment([1, 1]);
  must(gate.framesAlloc(frame(3), 1, own));
  const window = must(gate.windowBind(frame(3), 1, true, own));
  for (const handed of [window, gate.gather()]) {
    const shared = Object.getPrototypeOf(handed) as object;
    expect((handed as { constructor: unknown }).constructor).toBe(Object);
    expect(Object.isFrozen(shared)).toBe(true);
    for (const key of Reflect.ownKeys(shared)) expect(Reflect.set(shared, key, () => 7)).toBe(false);
  }
  expect(Object.isFrozen(window)).toBe(true);
});

test("a gather list's pieces are the kernel's to keep: none can be put there but by adding it", () => {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  must(gate.framesAlloc(frame(3), 1, own));
  const window = must(gate.windowBind(frame(3), 1, true, own));
  const binding = must(rig.root.transmitBind(0, [], gate.self, own, own));
  const gather = gate.gather();
  gather.add(window, 0, 60);
  const many = { windows: Array.from({ length: 1000 }, () => window), count: 1000 };
  for (const [key, value] of Object.entries(many)) Reflect.set(gather, key, value);
  expect(gather.count).toBe(1);
  expect(outcome(gate.transmit(binding, gather))).toBe("ok");
  const heir = Object.create(gather) as Gather;
  const proxy = new Proxy(gather, {});
  for (const alien of [heir, proxy]) expect(outcome(gate.transmit(binding, alien))).toBe("BadRange");
  const stranger = new Proxy(window, {}) as Window;
  gather.clear();
  gather.add(stranger, 0, 60);
  expect(outcome(gate.transmit(binding, gather))).toBe("BadWindow");
});

test("nobody gets the frames that the kernel keeps for itself, not even by ending the boot environment", () => {
  const rig = makeRig(64);
  const { root } = rig;
  const mighty = rig.environment([1, 1]);
  const everything = rig.grant(mighty, { name: [], rights: RIGHTS.all });
  const staged = frame(63);
  const { frame: system } = root.system;
  must(mighty.framesAlloc(frame(3), 1, own));
  const memory = must(mighty.windowBind(frame(3), 1, true, own));
  const attempts = (f: FrameNumber): string[] =>
    [everything, WELL_KNOWN_SLOT].flatMap((slot) => [
      outcome(mighty.framesAlloc(f, 1, slot)),
      outcome(mighty.framesFree(f, 1, slot)),
      outcome(mighty.windowBind(f, 1, true, slot)),
      outcome(mighty.regionCreate(f, 0, 4, slot)),
      outcome(mighty.ringBind(frame(f - 1), 2, slot)),
      outcome(mighty.guardSet(RESOURCE_KINDS.frame, f, 0, { name: [], rights: RIGHTS.all }, slot)),
      outcome(mighty.guardExtend(RESOURCE_KINDS.frame, f, frame(3), 1, slot)),
      outcome(mighty.guardExtend(RESOURCE_KINDS.frame, frame(3), f, 1, slot)),
    ]);
  for (const time of ["before", "after"]) {
    expect(root.frames.owner(staged), time).toBe(KERNEL);
    expect(root.frames.owner(system), time).toBe(KERNEL);
    for (const f of [staged, system]) {
      const before = tableState(root);
      const bytes = rig.machine.memory.bytes.slice(f * FRAME_BYTES, (f + 1) * FRAME_BYTES);
      for (const name of attempts(f)) expect(name, time).not.toBe("ok");
      expect(tableState(root), time).toBe(before);
      expect(rig.machine.memory.bytes.slice(f * FRAME_BYTES, (f + 1) * FRAME_BYTES)).toEqual(bytes);
    }
    expect(outcome(mighty.windowBind(staged, 1, false, everything)), time).toBe("BadFrame");
    expect(outcome(mighty.windowBind(system, 1, false, everything)), time).toBe("ok");
    if (time === "before") must(mighty.environmentDestroy(root.self, everything));
  }
  expect(memory.getU32(0)).toBe(0);
  rig.run(3);
});

test("entry points that change or trap after the start are not looked at again", () => {
  const rig = makeRig();
  let ran = 0;
  const entries: Record<string, unknown> = { sliceBegin: () => void (ran += 1) };
  rig.environment([1, 1], { slices: [0], upcalls: () => entries as unknown as Upcalls });
  for (const key of ["sliceBegin", "sliceEnd", "fault"])
    Object.defineProperty(entries, key, {
      get: () => {
        throw new Error("looked at");
      },
    });
  expect(() => rig.run(3)).not.toThrow();
  expect(ran).toBe(3);
});

test("a program that ends its environment while it is started has made nothing", () => {
  const rig = makeRig();
  const made = rig.root.environmentCreate((gate) => {
    must(gate.environmentDestroy(gate.self, own));
    return { sliceBegin: () => {} };
  }, own);
  expect(outcome(made)).toBe("BadProgram");
});
