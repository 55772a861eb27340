/** What is taken from a server by force: time it can do without, memory it cannot, and it says so. */
import { RESOURCE_KINDS, capSlot, must, rowOf } from "@exolith/exokernel/abi";
import { expect, test } from "vitest";
import { KEPT_CHUNKS } from "../src/cache/chunk-cache.ts";
import { ServerRobbed } from "../src/server-program.ts";
import {
  allOver,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  pass,
  type SimulatedRig,
} from "./simulated-rig.ts";

const own = capSlot(0);
const PATHS = ["page.bin", "other.bin"];
const makeRig = (): SimulatedRig =>
  makeSimulatedRig({ files: PATHS.map((path, seed) => [path, { size: 100_000, seed }]) });

/** Longer than the kernel waits for an answer. */
const PATIENCE_SECONDS = 0.2;

test("frames taken by force end the server with an error that says so", () => {
  const rig = makeRig();
  const { kernel, environment, cheetah } = rig.server;
  const held = kernel.root.environments.frames(rowOf(environment));
  must(kernel.root.revocationAsk(environment, RESOURCE_KINDS.frame, held, own));
  pass(rig, PATIENCE_SECONDS);
  expect(cheetah.counters.chunks()).toBe(KEPT_CHUNKS);
  expect(kernel.root.revocations.aborted()).toBe(1);
  expect(rig.faults).toHaveLength(1);
  expect(rig.faults[0]).toBeInstanceOf(ServerRobbed);
  expect(kernel.root.environments.id(rowOf(environment))).not.toBe(environment);
});

test("a packet filter taken by force does too", () => {
  const rig = makeRig();
  const { kernel, environment } = rig.server;
  must(kernel.root.revocationAsk(environment, RESOURCE_KINDS.filter, 1, own));
  pass(rig, PATIENCE_SECONDS);
  expect(rig.faults[0]).toBeInstanceOf(ServerRobbed);
});

test("with fewer time slices it goes on", () => {
  const rig = makeRig();
  const { kernel, environment, gate } = rig.server;
  must(kernel.root.revocationAsk(environment, RESOURCE_KINDS.slice, 3, own));
  pass(rig, PATIENCE_SECONDS);
  expect([kernel.root.revocations.aborted(), rig.faults, gate.repossessions.count()]).toEqual([1, [], 0]);
  const fetched = fetchAll(rig, PATHS, { connections: 2, depth: 1 });
  rig.until(() => allOver(fetched), 10);
  expectAllRight(fetched, PATHS.length);
});
