/** Cheetah in the simulated machine, with clients, and what is held on both machines. */
import type { RunResult, SimulatedDiskOptions } from "@exolith/hw-model";
import { expect } from "vitest";
import { wakeEnvironment } from "../src/board/environments.ts";
import { serveSimulated, type SimulatedServed, type SimulatedServeOptions } from "../src/board/simulated.ts";
import { Crowd, Fetcher } from "./clients.ts";
import {
  digestOf,
  makeGeneratedSource,
  type GeneratedFile,
  type GeneratedSource,
} from "./generated-source.ts";
import { heldBy, usedIn } from "./support/held.ts";

/** A disk that is not what a test is about: 2 GB/s, 10 us a request. */
export const FAST_DISK: SimulatedDiskOptions = {
  bytesPerSecond: 2e9,
  seekSeconds: 0.000_01,
  fullSeekSeconds: 0.000_1,
  overheadSeconds: 0.000_01,
};

/** A local network: 1 Gbit/s, 0.1 ms each way. */
export const LOCAL_WIRE = { bitsPerSecond: 1e9, delaySeconds: 0.0001 } as const;

/** A server in simulation with clients. */
export interface SimulatedRig extends SimulatedServed {
  readonly crowd: Crowd;
  readonly source: GeneratedSource;
  /** Digests of all files, by path. */
  readonly digests: ReadonlyMap<string, string>;
  /** Runs until `done`, and fails when `seconds` were not enough or something faulted. */
  until(done: () => boolean, seconds: number): RunResult;
}

/** What a test may choose. */
export interface SimulatedRigOptions extends Omit<SimulatedServeOptions, "source"> {
  readonly files: Iterable<readonly [string, GeneratedFile]>;
}

/** Serves generated files on a fast disk and a local network unless told otherwise. */
export function makeSimulatedRig(options: SimulatedRigOptions): SimulatedRig {
  const source = makeGeneratedSource(options.files);
  const digests = new Map([...source.files].map(([path, file]) => [path, digestOf(file)]));
  const wire = { ...LOCAL_WIRE, ...options.wire };
  const served = serveSimulated({ disk: FAST_DISK, ...options, source, wire });
  const crowd = new Crowd(served.world, served.gateway.machine.clock);
  served.play(crowd);
  const until = (done: () => boolean, seconds: number): RunResult => {
    const result = served.run({ until: () => done() || served.faults.length > 0, seconds, steps: Infinity });
    expect(served.faults).toEqual([]);
    expect(result.why).toBe("until");
    return result;
  };
  return { ...served, crowd, source, digests, until };
}

/** How paths are fetched. */
export interface FetchOptions {
  readonly connections: number;
  /** Requests sent ahead on each connection. */
  readonly depth: number;
}

/** Digests kept of one `fetchAll`. */
const DIGESTS_KEPT = 10;

/** Opens connections that fetch `paths` between them and check every byte; `wrong` collects what was not right. */
export function fetchAll(rig: SimulatedRig, paths: readonly string[], options: FetchOptions): FetchedAll {
  const { connections, depth } = options;
  const result: FetchedAll = { fetchers: [], digests: [], wrong: [], right: 0 };
  const response: ConstructorParameters<typeof Fetcher>[2]["response"] = (path, { status, digest }) => {
    if (result.digests.length < DIGESTS_KEPT) result.digests.push(digest);
    if (status === 200 && digest === rig.digests.get(path)) result.right += 1;
    else result.wrong.push(`${status} ${path}`);
  };
  for (let index = 0; index < connections; index++) {
    const own = paths.filter((_, at) => at % connections === index);
    result.fetchers.push(
      rig.crowd.open((crowd, end) => new Fetcher(crowd, end, { paths: own, depth, response })),
    );
  }
  return result;
}

/** What came of `fetchAll` so far. */
export interface FetchedAll {
  readonly fetchers: Fetcher[];
  /** What the first bodies hashed to, as they came. */
  readonly digests: string[];
  readonly wrong: string[];
  right: number;
}

/** True when every fetcher's stream is over. */
export const allOver = ({ fetchers }: FetchedAll): boolean =>
  fetchers.every(({ over }) => over !== undefined);

/** Every fetcher got every response, and ended well. */
export function expectAllRight(fetched: FetchedAll, count: number): void {
  expect(fetched.wrong).toEqual([]);
  expect(fetched.right).toBe(count);
  expect(fetched.fetchers.filter(({ over }) => over !== "ended")).toEqual([]);
}

/** Seconds after which everything timed is over: TIME-WAIT (60 s) and a peer that never answers (100 s). */
export const QUIET_SECONDS = 200;

/** Wake-ups in which expired tombstones, removed a few at a time when somebody looks, are all gone. */
const LOOKS = 20;

/** Lets `seconds` pass, even if nothing happens in them. */
export function pass(rig: SimulatedRig, seconds: number): void {
  const end = rig.crowd.wakeAfter(seconds);
  rig.run({ until: () => rig.crowd.clock.now() >= end, steps: Infinity });
}

/** Lets everything timed pass, and has both machines look at what has expired. */
export function settle(rig: SimulatedRig, seconds: number = QUIET_SECONDS): void {
  pass(rig, seconds);
  for (let look = 0; look < LOOKS; look++) {
    for (const host of [rig.server, rig.gateway]) wakeEnvironment(host);
    pass(rig, 0.001);
  }
}

/** Everything that could leak, on both machines and on the wire. */
export function everythingHeld(rig: SimulatedServed): Readonly<Record<string, unknown>> {
  const { counters } = rig.server.cheetah;
  return {
    server: heldBy(rig.server),
    serverStack: usedIn(rig.server.stack),
    gateway: heldBy(rig.gateway),
    gatewayStack: usedIn(rig.gateway.stack),
    open: counters.open(),
    chunksIdle: counters.chunksIdle(),
    slotsFree: counters.slotsFree(),
    blocksFree: counters.blocksFree(),
    carried: rig.gateway.gateway.carried,
    buffers: rig.gateway.gateway.buffers,
    onTheWire: rig.wire.inside(),
  };
}

/** What `everythingHeld` says when every connection is over and every wait too. */
export const nothingLeft = (rig: SimulatedServed): Readonly<Record<string, unknown>> => ({
  open: 0,
  carried: 0,
  buffers: 0,
  onTheWire: 0,
  chunksIdle: rig.server.cheetah.counters.chunks(),
  serverStack: { connections: 0, halfOpen: 0, timeWaits: 0, timers: 0 },
  gatewayStack: { connections: 0, halfOpen: 0, timeWaits: 0, timers: 0 },
});
