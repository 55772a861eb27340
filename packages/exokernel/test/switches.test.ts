/** What a switch between environments costs and touches, and address-space ids. */
import { DEC5000_125 } from "@exolith/hw-model";
import { expect, test } from "vitest";
import {
  ADDRESS_SPACE_IDS,
  FRAME_BYTES,
  NEVER,
  capSlot,
  frame,
  must,
  rowOf,
  sliceIndex,
  type EnvId,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import { place } from "./transfer-rig.ts";

const own = capSlot(0);

/** Registers of the R3000 that a program can see, in bytes. */
const ALL_BYTES = 31 * 4;

/** Cycles of one environment's slice, and what is between it and the next, when it saves so many bytes at its end. */
function switchCost(savedBytes: number): {
  slice: number;
  between: number;
  area: Uint8Array;
  frames: Uint8Array;
} {
  const trace = makeTrace(1024);
  const rig = makeRig(64, { trace }, { profile: DEC5000_125 });
  const registers = Uint8Array.from({ length: ALL_BYTES }, (_, i) => i + 1);
  const restored = new Uint8Array(ALL_BYTES);
  const windows: Window[] = [];
  const area = (): Window => windows[0] as Window;
  const gate = place(
    rig,
    [1, 1],
    () => ({
      sliceBegin: () => {
        if (savedBytes > 0) area().read(256, restored, 0, savedBytes);
      },
      sliceEnd: () => {
        if (savedBytes > 0) area().write(256, registers, 0, savedBytes);
      },
    }),
    [0],
  );
  must(gate.framesAlloc(frame(8), 2, own));
  windows.push(must(gate.windowBind(frame(8), 2, true, own)));
  const slices = 16;
  rig.run(slices);
  const ends: number[] = [];
  const begins: number[] = [];
  trace.read((time, event) => void (event === 1 ? begins : event === 2 ? ends : []).push(time));
  const used = rig.root.environments.cyclesUsed(rowOf(gate.self));
  let between = 0;
  for (let i = 1; i < slices; i++) between += (begins[i] ?? 0) - (ends[i - 1] ?? 0);
  expect(Buffer.compare(restored.subarray(0, savedBytes), registers.subarray(0, savedBytes))).toBe(0);
  const { bytes } = rig.machine.memory;
  return {
    slice: used / slices,
    between: between / (slices - 1),
    area: bytes.slice(8 * FRAME_BYTES + 256, 8 * FRAME_BYTES + 256 + ALL_BYTES),
    frames: bytes.slice(8 * FRAME_BYTES, 10 * FRAME_BYTES),
  };
}

test("[C3] the library saves its own context: to save what is live costs less than to save everything, and the kernel saves nothing there", () => {
  const nothing = switchCost(0);
  const live = switchCost(4 * 4);
  const everything = switchCost(ALL_BYTES);
  expect(live.slice).toBeLessThan(everything.slice);
  // The difference is what the library copies, out and in; the kernel's own part is the same for all.
  const perByte = DEC5000_125.cycles.copyByte * 2;
  expect(live.slice - nothing.slice).toBeCloseTo(16 * perByte, 0);
  expect(everything.slice - nothing.slice).toBeCloseTo(ALL_BYTES * perByte, 0);
  expect([live.between, everything.between]).toEqual([nothing.between, nothing.between]);
  // Nothing is in the environment's frames but what it wrote.
  expect(nothing.frames.every((byte) => byte === 0)).toBe(true);
  expect(live.frames.filter((byte) => byte !== 0).length).toBe(16);
  expect([...live.area.subarray(0, 16)]).toEqual([...Array(16).keys()].map((i) => i + 1));
  expect(everything.frames.filter((byte) => byte !== 0).length).toBe(ALL_BYTES);
});

/** Environments with a slice each; who hears of anything but its slices is noted. */
function crowd(rig: Rig, count: number): { gates: Gate[]; heard: string[] } {
  const heard: string[] = [];
  const other = (what: string) => (): void => void heard.push(what);
  const gates = Array.from({ length: count }, (_, i) =>
    place(
      rig,
      [1, i + 1],
      (gate) => ({
        sliceBegin: () => {
          const asid = gate.environments.asid(rowOf(gate.self));
          if (asid < 0 || asid >= ADDRESS_SPACE_IDS) heard.push(`runs with ${asid}`);
        },
        fault: other("fault"),
        revoke: other("revoke"),
        repossessed: other("repossessed"),
        transferReply: other("reply"),
      }),
      [i],
    ),
  );
  return { gates, heard };
}

test("[R6] more environments than there are address-space ids run, and none hears that its id was taken", () => {
  const rig = makeRig(64);
  const count = ADDRESS_SPACE_IDS + 40;
  const { gates, heard } = crowd(rig, count);
  const { environments } = rig.root;
  const ids = (): number[] => gates.map((gate) => environments.asid(rowOf(gate.self)));
  expect(new Set(ids())).toEqual(new Set([-1]));
  rig.run(count * 3);
  for (const gate of gates) expect(environments.slicesBegun(rowOf(gate.self))).toBe(3);
  const given = ids().filter((id) => id >= 0);
  expect(given.toSorted((a, b) => a - b)).toEqual([...Array(ADDRESS_SPACE_IDS).keys()]);
  // Those that ran longest ago have none any more.
  expect(ids().slice(0, 40)).toEqual(Array<number>(40).fill(-1));
  expect(heard).toEqual([]);
});

test("an id is free again when its environment ends, and nobody loses one for it", () => {
  const rig = makeRig(64);
  const { gates } = crowd(rig, ADDRESS_SPACE_IDS);
  rig.run(ADDRESS_SPACE_IDS);
  const { environments } = rig.root;
  const freed = environments.asid(rowOf((gates[9] as Gate).self));
  must(rig.root.environmentDestroy((gates[9] as Gate).self, own));
  const late = place(rig, [2], () => ({}), [9]);
  rig.run(ADDRESS_SPACE_IDS);
  expect(environments.asid(rowOf(late.self))).toBe(freed);
  for (const gate of gates) {
    if (environments.id(rowOf(gate.self)) === gate.self)
      expect(environments.asid(rowOf(gate.self))).toBeGreaterThanOrEqual(0);
  }
});

test("who is entered by a transfer has an id, and so has its caller afterwards, however many were entered", () => {
  const rig = makeRig(64);
  const count = ADDRESS_SPACE_IDS + 10;
  const servers = Array.from({ length: count }, (_, i) =>
    place(rig, [1, i + 1], (gate) => ({ transfer: () => gate.environments.asid(rowOf(gate.self)) })),
  );
  const seen: number[] = [];
  const client = place(
    rig,
    [2],
    (gate) => ({
      sliceBegin: () => {
        for (const { self } of servers) {
          seen.push(gate.transfer(self, 0, 0, 0, 0) as number);
          seen.push(gate.environments.asid(rowOf(gate.self)));
        }
      },
    }),
    [0],
  );
  rig.run(1);
  expect(seen).toHaveLength(2 * count);
  for (const id of seen) expect(id).toBeGreaterThanOrEqual(0);
  const mine = seen.filter((_, i) => i % 2 === 1);
  expect(new Set(mine).size).toBe(1);
  expect(client.environments.faults(rowOf(client.self))).toBe(0);
});

test("a slice call that is refused changes nothing", () => {
  const rig = makeRig(64);
  const gate = place(rig, [1, 1], () => ({}), [7]);
  const other = place(rig, [1, 2], () => ({}), [8]);
  const weak = rig.grant(gate, { name: [1, 2], rights: 0 });
  const state = tableState(rig.root);
  const events = rig.root.environments.events(rowOf(other.self));
  for (const slot of [9, 32, -1, 0.5, undefined, "0"] as never[]) {
    expect(outcome(gate.sliceAlloc(sliceIndex(20), slot))).toBe("BadSlot");
    expect(outcome(gate.sliceFree(sliceIndex(7), slot))).toBe("BadSlot");
    expect(outcome(gate.wake(other.self, slot))).toBe("BadSlot");
  }
  expect(outcome(gate.sliceFree(sliceIndex(8), weak))).toBe("BadCapability");
  expect(outcome(gate.wake(other.self, own))).toBe("BadCapability");
  for (const id of [0, other.self + 1, -1, "1", {}, null] as never[]) {
    expect(outcome(gate.wake(id, own))).toBe("BadEnvironment");
    expect(outcome(gate.yieldTo(id))).toBe("BadEnvironment");
  }
  expect(rig.root.environments.events(rowOf(other.self))).toBe(events);
  expect(tableState(rig.root)).toBe(state);
  expect(outcome(gate.wake(other.self, weak))).toBe("ok");
});

test("a directed yield that was asked for in vain, or in an earlier upcall, leads nowhere", () => {
  const rig = makeRig(64);
  const heard: string[] = [];
  const target = place(rig, [1, 2], () => ({ sliceBegin: () => void heard.push("target") }));
  const server = place(
    rig,
    [1, 1],
    (gate) => ({
      sliceBegin: () => {
        heard.push("server");
        gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
      },
      transfer: () => {
        must(gate.yieldTo(target.self));
        return 1;
      },
    }),
    [0],
  );
  const client = rig.environment([1, 3]);
  must(client.transfer(server.self, 0, 0, 0, 0));
  rig.run(3);
  expect(heard.splice(0)).toEqual(["server"]);
  const fickle = place(
    rig,
    [1, 4],
    (gate) => ({
      sliceBegin: () => {
        must(gate.yieldTo(target.self));
        expect(outcome(gate.yieldTo(12_345 as EnvId))).toBe("BadEnvironment");
        gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
      },
    }),
    [5],
  );
  rig.run(3);
  expect(heard).toEqual([]);
  expect(rig.root.environments.slicesBegun(rowOf(fickle.self))).toBe(1);
});
