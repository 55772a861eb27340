import { expect, test } from "vitest";
import { makeWire } from "../simulated/wire.ts";
import { contractFrame, nicPeer } from "../testing/nic-peer.ts";
import { cycles } from "../units.ts";
import type { FaultRates } from "./fault-plan.ts";
import { makeFaultPlan } from "./fault-plan.ts";
import { faultyNic } from "./faulty-nic.ts";

const now = () => cycles(0);

/** Sends frames 0, 1, 2 … in one batch and returns the tags in the order they were received. */
const received = (faults: FaultRates, count: number, seed = 1): number[] => {
  const { nics } = makeWire();
  const sender = nicPeer(nics[0], now);
  for (let i = 0; i < count; i++) sender.send(contractFrame(i, 64));
  const nic = faultyNic(nics[1], faults, seed);
  const receiver = nicPeer(nic, now);
  const tags: number[] = [];
  for (let quiet = 0; quiet < 8;) {
    const frame = receiver.take();
    quiet = frame === undefined ? quiet + 1 : 0;
    if (frame !== undefined) tags.push((frame[12 + 2] ?? 0) * 256 + (frame[15] ?? 0));
  }
  return tags;
};

test("without faults frames come through, with loss at 1 none do", () => {
  expect(received({}, 4)).toEqual([0, 1, 2, 3]);
  expect(received({ loss: 1 }, 200)).toEqual([]);
});

test("a duplicate follows its original", () => {
  expect(received({ duplicate: 1 }, 3)).toEqual([0, 0, 1, 1, 2, 2]);
});

test("a reordered frame changes places with the next one, and the last one is not kept back", () => {
  expect(received({ reorder: 1 }, 5)).toEqual([1, 0, 3, 2, 4]);
});

test("faults follow from the seed", () => {
  const some: FaultRates = { loss: 0.2, duplicate: 0.2, reorder: 0.2 };
  expect(received(some, 100, 5)).toEqual(received(some, 100, 5));
  expect(received(some, 100, 5)).not.toEqual(received(some, 100, 6));
});

test("a kept frame makes the interface due", () => {
  const { nics } = makeWire();
  nicPeer(nics[0], now).send(contractFrame(1, 64));
  const nic = faultyNic(nics[1], { duplicate: 1 }, 1);
  nicPeer(nic, now).take();
  expect(nic.wakeAt(cycles(9))).toBe(9);
});

test("a probability outside 0 to 1 is refused", () => {
  expect(() => makeFaultPlan({ loss: 2 }, 1)).toThrow("loss");
  expect(() => makeFaultPlan({ reorder: -0.1 }, 1)).toThrow("reorder");
});
