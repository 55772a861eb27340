import { cycles } from "@exolith/hw-model";
import { describe, expect, test } from "vitest";
import {
  ABI_VERSION,
  FAULT_CAUSES,
  FRAME_BYTES,
  SYSTEM_WORDS,
  TABLE_VERSION,
  WELL_KNOWN_SLOT,
  capSlot,
  frame,
  must,
  rowOf,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);
const W = SYSTEM_WORDS;

const mapped = (gate: Gate): Window => must(gate.windowBind(gate.system.frame, 1, false, WELL_KNOWN_SLOT));

/** What the words must be, from the tables and the clock, between two slices. */
const wanted = ({ root, machine }: Rig): Record<string, number> => {
  const rows = Array.from({ length: root.environments.count }, (_, row) => row);
  return {
    abiVersion: ABI_VERSION,
    tableVersion: TABLE_VERSION,
    ticks: Math.floor(machine.clock.now() / root.slices.quantum()),
    freeFrames: root.frames.free(),
    slice: root.slices.current() >>> 0,
    environments: rows.filter((row) => root.environments.state(row) === 1).length,
    unclaimed: root.filters.unclaimed(0),
  };
};

const shown = (window: Window): Record<string, number> => {
  const names = Object.keys(W).filter((name) => name !== "events") as (keyof typeof W)[];
  return Object.fromEntries(names.map((name) => [name, window.getU32(W[name])]));
};

test("[K11] any environment maps the kernel's words with the well-known capability, to read; a write faults", () => {
  const rig = makeRig();
  const causes: unknown[] = [];
  let act: (window: Window) => void = () => {};
  let view: Window | undefined;
  const users = [[1, 1], [1, 2, 3], []].map((name) => rig.environment(name));
  const writer = rig.environment([1, 9], {
    slices: [0],
    upcalls: (gate) => {
      view = mapped(gate);
      const window = view;
      return { sliceBegin: () => act(window), fault: (cause, reason) => void causes.push([cause, reason]) };
    },
  });
  for (let i = 0; i < 2; i++) rig.kernel.step();
  for (const gate of [...users, rig.root]) {
    expect(gate.capabilities.name(WELL_KNOWN_SLOT)).toBe("0.1");
    const { frame: number } = gate.system;
    const window = mapped(gate);
    expect(shown(window)).toMatchObject({ abiVersion: ABI_VERSION, tableVersion: TABLE_VERSION });
    for (const slot of [WELL_KNOWN_SLOT, own])
      expect(outcome(gate.windowBind(number, 1, true, slot))).toBe("BadCapability");
    expect(() => window.setU32(W.freeFrames, 0)).toThrow(TypeError);
  }
  const bytes = new Uint8Array(FRAME_BYTES).fill(0xff);
  const writes: ((window: Window) => void)[] = [
    (window) => window.setU8(0, 1),
    (window) => window.setU32(W.ticks, 1),
    (window) => window.setU32LE(W.events, 1),
    (window) => window.write(0, bytes, 0, FRAME_BYTES),
    (window) => window.fill(0, FRAME_BYTES, 0xff),
    (window) => window.copy(0, window, 4, 4),
  ];
  const before = Array.from({ length: FRAME_BYTES / 4 }, (_, i) => view?.getU32(i * 4));
  for (const write of writes) {
    act = write;
    rig.kernel.step();
  }
  expect(causes).toEqual(writes.map(() => [FAULT_CAUSES.thrown, expect.any(TypeError)]));
  expect(Array.from({ length: FRAME_BYTES / 4 }, (_, i) => view?.getU32(i * 4))).toEqual(before);
  expect(rig.root.environments.faults(rowOf(writer.self))).toBe(writes.length);
  expect(rig.root.frames.owner(rig.root.system.frame)).not.toBe(writer.self);
});

describe("the words", () => {
  test("say what the tables and the clock say, before every slice", () => {
    const rig = makeRig();
    let seen: Record<string, number> = {};
    let right: Record<string, number> = {};
    rig.environment([1, 1], {
      slices: [3, 40],
      upcalls: (gate) => {
        const window = mapped(gate);
        return {
          sliceBegin: () => {
            seen = shown(window);
            right = wanted(rig);
          },
        };
      },
    });
    const { root } = rig;
    const binding = must(root.transmitBind(0, [], root.self, own, own));
    must(root.framesAlloc(frame(100), 1, own));
    const memory = must(root.windowBind(frame(100), 1, true, own));
    const gather = root.gather();
    gather.add(memory, 0, 60);
    for (let i = 0; i < 6; i++) {
      must(root.framesAlloc(frame(10 + i), 1, own));
      rig.environment([1, 2 + i]);
      must(root.transmit(binding, gather));
      rig.machine.clock.advance(cycles(rig.machine.clock.now() + root.slices.quantum() * 1.5));
      const ran = root.slices.current() >>> 0;
      rig.kernel.step();
      expect(seen).toEqual({ ...right, slice: ran });
    }
    expect(seen["unclaimed"]).toBeGreaterThan(0);
    expect([3, 40]).toContain(seen["slice"]);
  });

  test("count each environment's events as they happen, from 0 for who comes next in its row", () => {
    const rig = makeRig();
    const { root } = rig;
    const window = mapped(root);
    const wordOf = (row: number): number => window.getU32(W.events + row * 4);
    let gate = rig.environment([1, 1]);
    const row = rowOf(gate.self);
    for (let i = 1; i <= 3; i++) {
      must(root.wake(gate.self, own));
      expect([wordOf(row), root.environments.events(row)]).toEqual([i, i]);
    }
    must(root.environmentDestroy(gate.self, own));
    expect([wordOf(row), root.environments.events(row)]).toEqual([0, 0]);
    for (let i = 0; i < 600; i++) {
      gate = rig.environment([1, 1]);
      if (rowOf(gate.self) === row) break;
      must(root.wake(gate.self, own));
      must(root.environmentDestroy(gate.self, own));
    }
    expect(rowOf(gate.self)).toBe(row);
    expect(wordOf(row)).toBe(0);
    must(root.wake(gate.self, own));
    expect(wordOf(row)).toBe(1);
    for (let other = 0; other < root.environments.count; other++)
      expect(wordOf(other)).toBe(root.environments.events(other));
    expect(W.events + root.environments.count * 4).toBeLessThanOrEqual(FRAME_BYTES);
  });
});
