/** Slices, yield, sleep and wake: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS } from "@exolith/secure-bind";
import { expect } from "vitest";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { NEVER, cycles, sliceIndex, type EnvId, type SliceIndex } from "../abi/ids.ts";
import type { Upcalls } from "../abi/upcalls.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

const events = (gate: Gate): number => gate.environments.events(rowOfSelf(gate));
const sleeps = (gate: Gate): void => void gate.sleep(events(gate), NEVER);

const positions = ({ root }: KernelHarness): void => {
  const gate = placeEnvironment(root, [1, 1], { slices: [7] });
  const other = placeEnvironment(root, [1, 2]);
  expect(root.slices.owner(7)).toBe(gate.self);
  expect(outcome(other.sliceAlloc(sliceIndex(7), own))).toBe("Busy");
  expect(outcome(other.sliceFree(sliceIndex(7), own))).toBe("BadCapability");
  expect(outcome(gate.sliceFree(sliceIndex(8), own))).toBe("BadSlice");
  for (const bad of [root.slices.count, ...NO_NUMBERS] as SliceIndex[]) {
    expect(outcome(gate.sliceAlloc(bad, own))).toBe("BadSlice");
    expect(outcome(gate.sliceFree(bad, own))).toBe("BadSlice");
  }
  must(gate.sliceFree(sliceIndex(7), own));
  expect(outcome(other.sliceAlloc(sliceIndex(7), own))).toBe("ok");
};

const onlyHolders = async (h: KernelHarness): Promise<void> => {
  const log: string[] = [];
  const recorder =
    (name: string) =>
    (gate: Gate): Upcalls => ({
      sliceBegin: () => {
        log.push(name);
        sleeps(gate);
      },
    });
  placeEnvironment(h.root, [1, 1], { slices: [40], upcalls: recorder("late") });
  placeEnvironment(h.root, [1, 2], { slices: [3], upcalls: recorder("early") });
  placeEnvironment(h.root, [1, 3], { upcalls: recorder("never") });
  await h.settle();
  expect(log).toEqual(["early", "late"]);
};

const counts = async (h: KernelHarness): Promise<void> => {
  const seen: string[] = [];
  const gate = placeEnvironment(h.root, [1, 1], {
    slices: [3],
    upcalls: (mine) => ({
      sliceBegin: () => {
        const { environments } = mine;
        seen.push(
          `begin ${environments.slicesBegun(rowOfSelf(mine)) - environments.slicesEnded(rowOfSelf(mine))}`,
        );
        if (seen.length >= 3) sleeps(mine);
      },
      sliceEnd: () => void seen.push("end"),
    }),
  });
  await h.settle();
  expect(seen).toEqual(["begin 1", "end", "begin 1", "end"]);
  expect(gate.environments.slicesBegun(rowOfSelf(gate))).toBe(2);
  expect(gate.environments.slicesEnded(rowOfSelf(gate))).toBe(2);
  expect(gate.environments.cyclesUsed(rowOfSelf(gate))).toBeGreaterThanOrEqual(0);
};

const yields = async (h: KernelHarness): Promise<void> => {
  const log: string[] = [];
  const recorder =
    (name: string, next?: EnvId) =>
    (gate: Gate): Upcalls => ({
      sliceBegin: () => {
        log.push(name);
        sleeps(gate);
        if (next !== undefined) must(gate.yieldTo(next));
      },
    });
  const last = placeEnvironment(h.root, [1, 3], { slices: [9], upcalls: recorder("last") });
  placeEnvironment(h.root, [1, 2], { slices: [5], upcalls: recorder("middle") });
  placeEnvironment(h.root, [1, 1], { slices: [0], upcalls: recorder("first", last.self) });
  await h.settle();
  expect(log).toEqual(["first", "last", "middle"]);
};

const noLostEvent = async (h: KernelHarness): Promise<void> => {
  const seen: number[] = [];
  const gate = placeEnvironment(h.root, [1, 1], {
    slices: [0],
    upcalls: (mine) => ({
      sliceBegin: () => {
        const before = events(mine);
        seen.push(before);
        if (seen.length === 1) must(mine.wake(mine.self, own));
        mine.sleep(before, NEVER);
      },
    }),
  });
  await h.settle();
  await h.settle();
  expect(seen).toEqual([0, 1]);
  must(h.root.wake(gate.self, own));
  await h.settle();
  expect(seen).toEqual([0, 1, 2]);
};

const sleepsUntil = async (h: KernelHarness): Promise<void> => {
  const times: number[] = [];
  const gate = placeEnvironment(h.root, [1, 1], {
    slices: [0],
    upcalls: (mine) => ({
      sliceBegin: () => {
        times.push(mine.clock.now());
        const until = times.length < 3 ? cycles(mine.clock.now() + mine.clock.hertz / 10_000) : NEVER;
        mine.sleep(events(mine), until);
      },
    }),
  });
  for (let i = 0; i < 100 && times.length < 3; i++) await h.settle();
  expect(times).toHaveLength(3);
  for (let i = 1; i < times.length; i++)
    expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(gate.clock.hertz / 10_000);
};

const wakesWithAuthority = (h: KernelHarness): void => {
  const gate = placeEnvironment(h.root, [1, 1]);
  const other = placeEnvironment(h.root, [1, 2]);
  expect(outcome(other.wake(gate.self, own))).toBe("BadCapability");
  expect(events(gate)).toBe(0);
  const key = grant(h, other, { name: [1, 1], rights: RIGHTS.none });
  expect(outcome(other.wake(gate.self, key))).toBe("ok");
  expect([events(gate), events(other)]).toEqual([1, 0]);
};

const bootNeverRuns = async (h: KernelHarness): Promise<void> => {
  must(h.root.sliceAlloc(sliceIndex(0), own));
  must(h.root.yieldTo(h.root.self));
  let ran = 0;
  placeEnvironment(h.root, [1, 1], {
    slices: [1],
    upcalls: (gate) => ({
      sliceBegin: () => {
        ran += 1;
        must(gate.yieldTo(h.root.self));
        sleeps(gate);
      },
    }),
  });
  await h.settle();
  expect(ran).toBe(1);
  expect(h.root.environments.slicesBegun(rowOfSelf(h.root))).toBe(0);
};

const timePasses = ({ root }: KernelHarness): void => {
  const gate = placeEnvironment(root, [1, 1]);
  const calls = gate.environments.calls(rowOfSelf(gate));
  const before = gate.clock.now();
  expect(gate.clock.now()).toBeGreaterThanOrEqual(before);
  expect(gate.clock.hertz).toBeGreaterThan(0);
  expect(gate.clock.wallclock()).toBeGreaterThan(0);
  expect(gate.environments.calls(rowOfSelf(gate))).toBe(calls);
  gate.nullCall();
  expect(gate.environments.calls(rowOfSelf(gate))).toBe(calls + 1);
};

/** The cases of this part. */
export const PROCESSOR_CASES: readonly ContractCase<KernelHarness>[] = [
  ["binds a position of the slice vector once, and frees it with authority", positions],
  ["runs holders of slices in the order of the vector, and nobody else", onlyHolders],
  ["counts slices begun and ended, and calls both entries", counts],
  ["gives the rest of a slice to whom it was yielded", yields],
  ["loses no event between looking and sleeping", noLostEvent],
  ["runs a sleeper again when its time has come, not before", sleepsUntil],
  ["wakes with authority, and nobody else", wakesWithAuthority],
  ["never runs the boot environment", bootNeverRuns],
  ["shows time without a call, and counts calls", timePasses],
];
