/** Mechanisms that only the whole system shows: one loop for all, TCP's primitives, change, and the end of an environment. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { KERNEL, type Gate, type Program } from "@exolith/exokernel/abi";
import * as exos from "@exolith/libos-exos";
import { expect, test } from "vitest";
import { digestOf, makeManyFiles, type GeneratedFile } from "./generated-source.ts";
import {
  allOver,
  everythingHeld,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  pass,
  settle,
  type SimulatedRig,
} from "./simulated-rig.ts";
import { heldBy } from "./support/held.ts";

/** A disk whose every request takes half a second. */
const SLOW_DISK = { overheadSeconds: 0.5, seekSeconds: 0, fullSeekSeconds: 0, bytesPerSecond: 1e9 };
const CLIENTS = 200;

const environmentsOf = ({ server: { kernel } }: SimulatedRig): number => {
  const { environments } = kernel.root;
  let alive = 0;
  for (let row = 0; row < environments.count; row++) alive += environments.state(row);
  return alive;
};

test("[W1] 200 concurrent clients, 1 env; disk miss never blocks others", () => {
  const cold: [string, GeneratedFile] = ["cold.bin", { size: 60_000, seed: 900 }];
  // Other chunks of the disk lie between the cold file and the hot ones.
  const between: [string, GeneratedFile] = ["d/between.bin", { size: 200_000, seed: 901 }];
  const hot = Array.from({ length: 20 }, (_, index): [string, GeneratedFile] => [
    `hot/${index}.bin`,
    { size: 9000, seed: index },
  ]);
  const rig = makeSimulatedRig({ files: [cold, between, ...hot], disk: SLOW_DISK });
  const names = hot.map(([path]) => path);
  const warm = fetchAll(rig, names, { connections: 1, depth: 1 });
  rig.until(() => allOver(warm), 60);
  expectAllRight(warm, names.length);

  const { counters } = rig.server.cheetah;
  const misses = counters.cacheMisses();
  const began = rig.seconds();
  const one = fetchAll(rig, [cold[0]], { connections: 1, depth: 1 });
  rig.until(() => counters.cacheMisses() > misses, 1);
  const wanted = Array.from({ length: 10 * (CLIENTS - 1) }, (_, index) => names[index % names.length] ?? "");
  const others = fetchAll(rig, wanted, { connections: CLIENTS - 1, depth: 1 });
  let most = 0;
  rig.until(() => {
    most = Math.max(most, counters.open());
    return allOver(others);
  }, 1);
  expectAllRight(others, wanted.length);
  expect(most).toBe(CLIENTS);
  expect(environmentsOf(rig)).toBe(2);
  expect(Math.max(...others.fetchers.map(({ doneAt }) => doneAt)) - began).toBeLessThan(
    SLOW_DISK.overheadSeconds / 2,
  );
  expect(one.fetchers[0]?.doneAt).toBe(-1);
  rig.until(() => allOver(one), 5);
  expectAllRight(one, 1);
  expect((one.fetchers[0]?.doneAt ?? 0) - began).toBeGreaterThan(SLOW_DISK.overheadSeconds);
  expect(counters.cacheMisses()).toBe(misses + 1);
});

/** Modules that the server, its boards apart, is made from. */
function importsOfServer(): Set<string> {
  const root = new URL("../src/", import.meta.url).pathname;
  const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.startsWith("board") && name !== "main.ts",
  );
  const found = new Set<string>();
  for (const name of sources)
    for (const [, specifier = ""] of readFileSync(join(root, name), "utf8").matchAll(
      /\bfrom "([^".][^"]*)"/g,
    ))
      found.add(specifier);
  return found;
}

test("[N12] retransmit, fast-rtx, TIME_WAIT, zero-window, loss 5 % transfer completes byte-exact; httpd uses primitives without sockets", () => {
  const rig = makeSimulatedRig({
    files: [["big.bin", { size: 8_000_000, seed: 3 }]],
    wire: { faults: { loss: 0.05 } },
  });
  const fetched = fetchAll(rig, ["big.bin"], { connections: 1, depth: 1 });
  const [fetcher] = fetched.fetchers;
  const begun = (): number => fetcher?.reader.begun ?? 0;
  rig.until(() => begun() > 2_000_000, 30);
  fetcher?.pause(true);
  pass(rig, 10);
  const { counters } = rig.server.stack.tcp;
  expect(counters.probes).toBeGreaterThan(0);
  fetcher?.pause(false);
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, 1);
  expect(rig.wire.counters[0].lost / rig.wire.counters[0].sent).toBeCloseTo(0.05, 1);
  expect(counters.fastRetransmissions).toBeGreaterThan(10);
  expect(counters.retransmissionTimeouts).toBeGreaterThan(0);
  expect(counters.retransmissions).toBeGreaterThan(counters.fastRetransmissions);
  expect(rig.gateway.stack.tcp.use.timeWaits()).toBe(1);
  settle(rig);
  expect(rig.gateway.stack.tcp.use.timeWaits()).toBe(0);

  expect([...importsOfServer()].toSorted()).toEqual([
    "@exolith/exokernel/abi",
    "@exolith/libos-exos",
    "htmlparser2",
    "mrmime",
  ]);
  expect(Object.keys(exos).filter((name) => /socket|descriptor/i.test(name))).toEqual([]);
  expect(rig.server.machine.streams).toEqual([]);
});

test("a file that changes: new requests get the new bytes and a new ETag, a response under way ends with the old ones", () => {
  const rig = makeSimulatedRig({
    files: [
      ["page.bin", { size: 20_000_000, seed: 1 }],
      ["other.bin", { size: 5000, seed: 2 }],
    ],
  });
  const { cheetah } = rig.server;
  const free = cheetah.counters.blocksFree();
  const old = fetchAll(rig, ["page.bin"], { connections: 1, depth: 1 });
  const reader = old.fetchers[0]?.reader;
  rig.until(() => (reader?.begun ?? 0) > 1_000_000, 5);
  const oldTag = reader?.fields.get("etag");

  const changed: GeneratedFile = { size: 20_000_000, seed: 4, modified: Date.UTC(2026, 5, 6) };
  rig.source.files.set("page.bin", changed);
  const { rounds } = cheetah.progress();
  cheetah.refresh();
  rig.wake();
  rig.until(() => cheetah.progress().rounds > rounds, 5);
  expect(reader?.begun).toBeLessThan(20_000_000);
  expect(allOver(old)).toBe(false);

  const fresh = fetchAll(rig, ["page.bin"], { connections: 1, depth: 1 });
  const freshReader = fresh.fetchers[0]?.reader;
  rig.until(() => (freshReader?.begun ?? 0) > 0, 5);
  expect(freshReader?.fields.get("etag")).not.toBe(oldTag);
  rig.until(() => allOver(old) && allOver(fresh), 10);
  expectAllRight(old, 1);
  expect(fresh.digests).toEqual([digestOf(changed)]);
  expect(cheetah.counters.blocksFree()).toBe(free);
});

interface Breaking {
  readonly wrapProgram: (program: Program, machine: "server" | "gateway") => Program;
  readonly breakDown: () => void;
}

/** Makes the environment on `victim` throw at the beginning of a slice, when told. */
function makeBreaking(victim: "server" | "gateway"): Breaking {
  let broken = false;
  const wrapProgram: Breaking["wrapProgram"] = (program, machine) => (gate) => {
    const upcalls = program(gate);
    const sliceBegin = (): void => {
      if (broken && machine === victim) throw new Error(`the ${victim} broke down`);
      upcalls.sliceBegin();
    };
    return { sliceBegin };
  };
  return { wrapProgram, breakDown: () => (broken = true) };
}

const NOTHING = {
  alive: 0,
  frames: 0,
  framesCounted: 0,
  bindings: 0,
  pins: 0,
  slices: 0,
  rings: 0,
  filters: 0,
  transmits: 0,
  extents: 0,
  transfers: 0,
  streams: 0,
};

/** Frames that the kernel itself keeps, and says so in the table: its published words, and where arriving packets are staged. */
const kernelFrames = ({ frames }: Gate): number => {
  let count = 0;
  for (let f = 0; f < frames.count; f++) if (frames.owner(f) === KERNEL) count += 1;
  return count;
};

function expectEverythingBack(host: SimulatedRig["server"] | SimulatedRig["gateway"]): void {
  const { root } = host.kernel;
  expect(kernelFrames(root)).toBe(2);
  expect(heldBy(host)).toEqual({ ...NOTHING, framesFree: root.frames.count - kernelFrames(root) });
}

/** Twenty transfers under way on a cold cache, the disk busy; then the environment on `victim` faults. */
function breakInTheMiddle(victim: "server" | "gateway"): {
  rig: SimulatedRig;
  over: () => (string | undefined)[];
} {
  const { wrapProgram, breakDown } = makeBreaking(victim);
  const disk = { bytesPerSecond: 100e6, seekSeconds: 0.001 };
  const rig = makeSimulatedRig({
    files: makeManyFiles(20, 9, 2_000_000).concat([["big.bin", { size: 8_000_000, seed: 8 }]]),
    wrapProgram,
    disk,
  });
  const fetched = fetchAll(rig, Array<string>(20).fill("big.bin"), { connections: 20, depth: 1 });
  rig.until(() => rig.server.cheetah.counters.bodyBytes() > 4_000_000, 10);
  expect(heldBy(rig[victim]).frames).toBeGreaterThan(300);
  breakDown();
  return { rig, over: () => fetched.fetchers.map(({ over }) => over) };
}

test("a server that faults with responses and disk reads under way gives everything back; its peer sees timeouts, no crash", () => {
  const { rig, over } = breakInTheMiddle("server");
  pass(rig, 1);
  expect(rig.faults).toEqual([new Error("the server broke down")]);
  expectEverythingBack(rig.server);
  expect(over().every((state) => state === undefined)).toBe(true);
  settle(rig);
  expect(rig.faults).toHaveLength(1);
  expect(over().every((state) => state === "broken")).toBe(true);
  expect(everythingHeld(rig)).toMatchObject({
    carried: 0,
    buffers: 0,
    gateway: { alive: 1, streams: 0 },
    gatewayStack: { connections: 0, timers: 0 },
  });
});

test("a gateway that faults gives everything back and resets its streams; the server lets its connections go", () => {
  const { rig, over } = breakInTheMiddle("gateway");
  pass(rig, 1);
  expect(rig.faults).toEqual([new Error("the gateway broke down")]);
  expectEverythingBack(rig.gateway);
  expect(over().every((state) => state === "broken")).toBe(true);
  settle(rig);
  expect(rig.faults).toHaveLength(1);
  const { counters } = rig.server.cheetah;
  expect(everythingHeld(rig)).toMatchObject({
    open: 0,
    chunksIdle: counters.chunks(),
    server: { alive: 1, pins: heldBy(rig.server).pins },
    serverStack: { connections: 0, halfOpen: 0, timers: 0 },
  });
  expect(counters.stalls()).toBe(20);
});
