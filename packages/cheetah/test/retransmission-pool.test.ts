/** The file cache is the retransmission pool: what is sent, and sent again, lies where the disk put it. */
import { expect, test } from "vitest";
import type { GeneratedFile } from "./generated-source.ts";
import { allOver, expectAllRight, fetchAll, pass, type SimulatedRigOptions } from "./simulated-rig.ts";
import { makeWatchedRig, type WatchedRig } from "./watched-rig.ts";

const SIZES = [100, 10_000, 65_537, 300_001, 1_000_000];
const FILES = SIZES.map((size, index): [string, GeneratedFile] => [`${size}.bin`, { size, seed: index + 1 }]);
const PATHS = FILES.map(([path]) => path);
const BODIES = SIZES.reduce((sum, size) => sum + size, 0);
/** Longest head of a response. */
const HEAD_BYTES = 512;
const ETHERNET_BYTES = 14;

/** A server whose machine says how many bytes its processor has copied. */
const makeWatched = (options: Partial<SimulatedRigOptions> = {}): WatchedRig =>
  makeWatchedRig("copyByte", { files: FILES, ...options });

function fetchEach({ rig }: WatchedRig): void {
  const fetched = fetchAll(rig, PATHS, { connections: 1, depth: 1 });
  rig.until(() => allOver(fetched), 200);
  expectAllRight(fetched, PATHS.length);
  pass(rig, 1);
}

/** A fetch of what the cache has: bytes copied, those of them that arrived, and text that was sent. */
function warm(watched: WatchedRig): { copied: number; arrived: number; requests: number; sent: number } {
  fetchEach(watched);
  watched.log.packets.length = 0;
  watched.charged();
  const misses = watched.rig.server.cheetah.counters.cacheMisses();
  fetchEach(watched);
  const copied = watched.charged();
  expect(watched.rig.server.cheetah.counters.cacheMisses()).toBe(misses);
  let [arrived, requests, sent] = [0, 0, 0];
  for (const { direction, ipBytes, tcpBytes, textBytes } of watched.log.packets) {
    if (direction === "out") sent += textBytes;
    else {
      arrived += ETHERNET_BYTES + ipBytes + tcpBytes + textBytes;
      requests += textBytes;
    }
  }
  return { copied, arrived, requests, sent };
}

/** Every frame that arrives is copied to its ring, a request once more to be parsed, and a head is written: nothing else is copied. */
const most = ({ arrived, requests }: ReturnType<typeof warm>): number =>
  arrived + requests + PATHS.length * HEAD_BYTES;

test("[W2] the processor copies headers only; with 10 % of frames lost what is sent again comes from the cache's own pages; and a page that a client has not acknowledged is not given to others", () => {
  const whole = warm(makeWatched());
  expect(whole.sent).toBeGreaterThanOrEqual(BODIES);
  expect(whole.copied).toBeGreaterThan(whole.arrived);
  expect(whole.copied).toBeLessThanOrEqual(most(whole));
  expect(most(whole)).toBeLessThan(BODIES / 5);
  // Lossy: more is sent than there is, and no byte of a body is copied for it, nor read from the disk again.
  const watched = makeWatched({ wire: { faults: { loss: 0.1 } } });
  const lossy = warm(watched);
  expect(watched.rig.server.stack.tcp.counters.retransmissions).toBeGreaterThan(20);
  expect(lossy.sent).toBeGreaterThan(whole.sent);
  expect(lossy.copied).toBeLessThanOrEqual(most(lossy));
  // A cache of eight chunks, and a client that reads nothing: its chunks stay, whatever others ask for.
  const small = makeWatched({ cacheFrames: 8 * 16 });
  const { counters } = small.rig.server.cheetah;
  const slow = fetchAll(small.rig, ["300001.bin"], { connections: 1, depth: 1 });
  slow.fetchers[0]?.pause(true);
  pass(small.rig, 2);
  const held = counters.chunks() - counters.chunksIdle();
  expect(held).toBeGreaterThan(0);
  for (let round = 0; round < 3; round++) {
    const others = fetchAll(small.rig, ["1000000.bin", "65537.bin"], { connections: 2, depth: 1 });
    small.rig.until(() => allOver(others), 200);
    expectAllRight(others, 2);
    expect(counters.chunks() - counters.chunksIdle()).toBe(held);
  }
  expect(counters.cacheEvictions()).toBeGreaterThan(20);
  slow.fetchers[0]?.pause(false);
  small.rig.until(() => allOver(slow), 200);
  expectAllRight(slow, 1);
  pass(small.rig, 1);
  expect(counters.chunksIdle()).toBe(counters.chunks());
});
