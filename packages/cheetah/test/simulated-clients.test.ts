/** Clients that are slow, deaf or gone: others are served as if they were not there, and everything comes back. */
import { capSlot, must, type TransmitId } from "@exolith/exokernel/abi";
import { describe, expect, test } from "vitest";
import { expectFlatMemory } from "./flat-memory.ts";
import { BadClient, get, type Mischief } from "./clients.ts";
import { makeManyFiles, type GeneratedFile } from "./generated-source.ts";
import {
  QUIET_SECONDS,
  allOver,
  everythingHeld,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  nothingLeft,
  pass,
  settle,
  type SimulatedRig,
} from "./simulated-rig.ts";

const HUGE: [string, GeneratedFile] = ["huge.bin", { size: 4_000_000, seed: 77 }];
const REQUEST = get("huge.bin");

/** Each of them would go on for ever if it were let. */
const MISCHIEFS: Readonly<Record<string, Mischief>> = {
  "sends its request one byte a second": {
    request: "G",
    held: false,
    period: 1,
    act: (world, end, time) => world.send(end, REQUEST[time + 1] ?? "x"),
  },
  "reads one byte a second": {
    request: REQUEST,
    held: true,
    period: 1,
    act: (world, end) => void world.take(end, 1),
  },
  "never reads": { request: REQUEST.repeat(3), held: true, period: 1000, act: () => {} },
  disappears: { request: REQUEST, held: true, period: 0.002, act: (world, end) => world.reset(end) },
};

/** Of each kind. */
const BAD = 10;
const GOOD = 50;

const files = (): [string, GeneratedFile][] => [...makeManyFiles(300, 6), HUGE];

const openBad = (rig: SimulatedRig, mischief: Mischief): BadClient[] =>
  Array.from({ length: BAD }, () => rig.crowd.open((crowd, end) => new BadClient(crowd, end, mischief)));

/** Simulated seconds that the others take when `mischiefs` are there too, and those clients. */
function secondsOfOthers(mischiefs: readonly Mischief[]): {
  seconds: number;
  bad: BadClient[];
  rig: SimulatedRig;
} {
  const rig = makeSimulatedRig({ files: files(), limits: { stallSeconds: 30 } });
  const idle = everythingHeld(rig);
  const bad = mischiefs.flatMap((mischief) => openBad(rig, mischief));
  pass(rig, 0.1);
  const began = rig.seconds();
  const paths = [...rig.source.files.keys()].filter((path) => path !== HUGE[0]);
  const fetched = fetchAll(rig, paths, { connections: GOOD, depth: 4 });
  rig.until(() => allOver(fetched), 30);
  expectAllRight(fetched, paths.length);
  const seconds = rig.seconds() - began;
  expect(idle).toMatchObject({ open: 0, carried: 0 });
  return { seconds, bad, rig };
}

/** By how much others may be slower: bad clients share the wire and the cache before they stop taking. */
const SLOWER = 1.25;

test("others are not slowed by clients that are slow, deaf or gone, and all of them are let go in the end", () => {
  const alone = secondsOfOthers([]).seconds;
  const { seconds, bad, rig } = secondsOfOthers(Object.values(MISCHIEFS));
  expect(seconds).toBeLessThan(alone * SLOWER);
  const { counters } = rig.server.cheetah;
  rig.until(() => counters.open() === 3 * BAD, 1);
  expect(counters.chunksIdle()).toBeGreaterThan(counters.chunks() / 2);
  pass(rig, QUIET_SECONDS);
  expect(counters.open()).toBe(0);
  expect(bad.filter(({ over }) => over === undefined)).toEqual([]);
  expect(counters.timeouts()).toBe(BAD);
  expect(counters.stalls()).toBe(2 * BAD);
});

describe.each(Object.entries(MISCHIEFS))("a client that %s", (_, mischief) => {
  test("holds nothing any more when it has been let go", () => {
    const rig = makeSimulatedRig({ files: files(), wire: { faults: { loss: 0.02 } } });
    const round = (): unknown => {
      openBad(rig, mischief);
      settle(rig);
      return everythingHeld(rig);
    };
    round();
    const after = round();
    expect(after).toMatchObject(nothingLeft(rig));
    expect(round()).toEqual(after);
  });
});

/** Takes the gateway's transmit bindings away: from now on nothing is heard of that machine. */
function silence({ gateway: { kernel, environment } }: SimulatedRig): void {
  const { root } = kernel;
  for (let row = 0; row < root.transmits.count; row++)
    if (root.transmits.user(row) === environment)
      must(root.transmitUnbind(root.transmits.id(row) as TransmitId, capSlot(0)));
}

test("a machine that goes silent, with responses, requests and idle connections open, is given up; nothing of it is left", () => {
  const rig = makeSimulatedRig({ files: files() });
  const idle = everythingHeld(rig);
  fetchAll(rig, Array<string>(20).fill("huge.bin"), { connections: 20, depth: 1 });
  openBad(rig, { request: "GET / HT", held: false, period: 1000, act: () => {} });
  openBad(rig, { request: get("files/1/1.bin"), held: false, period: 1000, act: () => {} });
  const { counters } = rig.server.cheetah;
  rig.until(() => counters.open() === 40 && counters.bodyBytes() > 10_000_000, 10);
  silence(rig);
  pass(rig, QUIET_SECONDS);
  expect(rig.faults).toEqual([]);
  const after = everythingHeld(rig);
  for (const key of ["server", "serverStack", "open", "chunksIdle", "slotsFree", "blocksFree"])
    expect({ [key]: after[key] }).toEqual({ [key]: idle[key] });
  expect(counters.stalls()).toBeGreaterThanOrEqual(20);
});

test("20,000 requests leave memory as it was", () => expectFlatMemory(20_000));
