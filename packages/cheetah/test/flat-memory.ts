/** Whether many requests leave memory as it was: the machines' frames and tables, and the heap under them. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { makeManyFiles } from "./generated-source.ts";
import {
  allOver,
  everythingHeld,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  settle,
  type SimulatedRig,
} from "./simulated-rig.ts";

const collectGarbage = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

/** Requests of one round: 100 connections, opened and ended. */
const ROUND = 10_000;
/** Bytes by which the heap may differ, however many requests there were: what the engine keeps of hot code settles below. */
const HEAP_BYTES = 2 ** 21;

function fetchRound(rig: SimulatedRig): void {
  const paths = [...rig.source.files.keys()];
  const wanted = Array.from({ length: ROUND }, (_, index) => paths[(index * 7) % paths.length] ?? "");
  const fetched = fetchAll(rig, wanted, { connections: 100, depth: 8 });
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, ROUND);
  settle(rig);
}

/** `requests` requests, after a first round that fills caches, change nothing that is held. */
export function expectFlatMemory(requests: number): void {
  const rig = makeSimulatedRig({ files: makeManyFiles(100, 8, 8000) });
  fetchRound(rig);
  const held = everythingHeld(rig);
  const heap = heapBytes();
  for (let done = 0; done < requests; done += ROUND) fetchRound(rig);
  expect(everythingHeld(rig)).toEqual(held);
  expect(heapBytes() - heap).toBeLessThan(HEAP_BYTES);
  expect(rig.server.cheetah.counters.requests()).toBe(requests + ROUND);
  expect(rig.crowd.count).toBe(0);
}
