/** The file cache under memory pressure: frames are given back in time, and nothing that is served suffers. */
import { RESOURCE_KINDS, capSlot, failed, must, type Gate } from "@exolith/exokernel/abi";
import { placeEnvironment } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { CHUNK_BLOCKS, CHUNK_BYTES, KEPT_CHUNKS } from "../src/cache/chunk-cache.ts";
import type { GeneratedFile } from "./generated-source.ts";
import {
  allOver,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  pass,
  type SimulatedRig,
} from "./simulated-rig.ts";

const own = capSlot(0);
const CHUNKS = 64;
const FILES = 48;
const FRAMES = 4096;
const CONNECTIONS = 24;

/** Files of one chunk each, wherever they lie, fetched in the order of their names. */
function makeRig(size: number = CHUNK_BYTES): SimulatedRig {
  const files = Array.from({ length: FILES }, (_, i): [string, GeneratedFile] => [
    `${String(i).padStart(2, "0")}.bin`,
    { size, seed: i },
  ]);
  return makeSimulatedRig({ files, frames: FRAMES, cacheFrames: CHUNKS * CHUNK_BLOCKS });
}

function fetch(rig: SimulatedRig, names: readonly string[], connections = 1): void {
  const fetched = fetchAll(rig, names, { connections, depth: 1 });
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, names.length);
}

/** Another environment on the server's machine, which takes frames until so many are free. */
function placeHog({ server: { kernel } }: SimulatedRig): { gate: Gate; leave: (free: number) => void } {
  const gate = placeEnvironment(kernel.root, [9, 9]);
  const leave = (free: number): void => {
    while (gate.frames.free() > free) if (failed(gate.frameAllocAny(own))) break;
  };
  return { gate, leave };
}

const misses = (rig: SimulatedRig): number => rig.server.cheetah.counters.cacheMisses();

test("frames run short: the cache gives back its coldest chunks in time, keeps the others, and claims frames again when there are many", () => {
  const rig = makeRig();
  const { counters } = rig.server.cheetah;
  const { root } = rig.server.kernel;
  const names = [...rig.source.files.keys()];
  fetch(rig, names);
  const before = misses(rig);
  fetch(rig, names.slice(-4));
  expect([misses(rig) - before, counters.chunks(), counters.cacheGivenBack()]).toEqual([0, CHUNKS, 0]);

  // Nobody has been asked for anything while there was enough.
  for (const { kernel } of [rig.server, rig.gateway]) expect(kernel.root.revocations.asked()).toBe(0);
  const reserve = root.revocations.reserve();
  const hog = placeHog(rig);
  const row = hog.gate.self & 0xffff;
  // The server alone is asked: the hog keeps only frames that are never taken.
  while (root.frames.free() > reserve) must(root.frameAllocAny(own));
  pass(rig, 0.001);
  expect(counters.cacheGivenBack()).toBe(0);
  hog.leave(reserve - 8);
  must(hog.gate.framesGuarantee(framesOf(hog.gate)[0] as never, 8, true));
  pass(rig, 0.2);
  expect(root.environments.frames(row)).toBe(8);
  expect(counters.cacheGivenBack()).toBeGreaterThan(0);
  expect(counters.chunks()).toBe(CHUNKS - counters.cacheGivenBack());
  expect(root.frames.free()).toBeGreaterThanOrEqual(reserve);
  expect([root.revocations.aborted(), rig.faults]).toEqual([0, []]);

  const held = misses(rig);
  fetch(rig, names.slice(-4));
  expect(misses(rig)).toBe(held);
  for (let round = 0; round < 40; round++) {
    while (root.frames.free() > 2) must(root.frameAllocAny(own));
    pass(rig, 0.06);
  }
  expect(counters.chunks()).toBeLessThan(FILES / 2);
  fetch(rig, names);
  expect([root.revocations.aborted(), counters.chunks() < FILES / 2]).toEqual([0, true]);

  must(root.environmentDestroy(hog.gate.self, own));
  for (const f of framesOf(root)) must(root.framesFree(f as never, 1, own));
  fetch(rig, names);
  fetch(rig, names);
  expect(counters.chunks()).toBeGreaterThanOrEqual(FILES);
  const warm = misses(rig);
  fetch(rig, names);
  expect(misses(rig)).toBe(warm);
});

const framesOf = (gate: Gate): number[] =>
  Array.from({ length: gate.frames.count }, (_, f) => f).filter((f) => gate.frames.owner(f) === gate.self);

test("most of the cache is asked back while responses are under way: what they hold follows as it is acknowledged, and every byte arrives", () => {
  const rig = makeRig(400_000);
  const { counters } = rig.server.cheetah;
  const { kernel, environment } = rig.server;
  const names = [...rig.source.files.keys()];
  const fetched = fetchAll(rig, names, { connections: CONNECTIONS, depth: 1 });
  rig.until(() => counters.bodyBytes() > 4_000_000, 10);
  expect(counters.chunks() - counters.chunksIdle()).toBeGreaterThan(CONNECTIONS);
  // A chunk whose last segment is odd waits for a delayed acknowledgement: each connection may keep one so long.
  const wanted = (CHUNKS - CONNECTIONS) * CHUNK_BLOCKS;
  must(kernel.root.revocationAsk(environment, RESOURCE_KINDS.frame, wanted, own));
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, names.length);
  const { answered, aborted } = kernel.root.revocations;
  expect([answered(), aborted(), rig.faults]).toEqual([1, 0, []]);
});

test("the cache keeps what it needs to serve at all", () => {
  const rig = makeRig();
  const { cheetah } = rig.server;
  expect(cheetah.revoke?.(RESOURCE_KINDS.slice, 1)).toBe(0);
  expect(cheetah.revoke?.(RESOURCE_KINDS.frame, 1)).toBe(CHUNK_BLOCKS);
  expect(cheetah.revoke?.(RESOURCE_KINDS.frame, FRAMES)).toBe((CHUNKS - 1 - KEPT_CHUNKS) * CHUNK_BLOCKS);
  expect(cheetah.revoke?.(RESOURCE_KINDS.frame, 1)).toBe(0);
  expect(cheetah.counters.chunks()).toBe(KEPT_CHUNKS);
  must(rig.server.kernel.root.frameAllocAny(own));
  fetch(rig, [...rig.source.files.keys()], 8);
});
