/** Much data over many connections: a thousand files and one of 100 MB, from 64 MiB of physical memory. */
import { openSync, closeSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Exokernel } from "@exolith/exokernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchDigest, makeAgent } from "./support/fetching.ts";
import { MOST_GATEWAY_FRAMES, heldFrames, holdingsOf, serveLive, type Live } from "./support/live.ts";
import { digest, digestOf, makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { until } from "./support/waiting.ts";

const FILES = 1000;
const LARGE_BYTES = 100_000_000;
const CONNECTIONS = 200;

let scratch: string;
let live: Live;
const digests = new Map<string, string>();

/** Lengths from nothing to a few chunks, around every edge of blocks and chunks. */
const lengthOf = (index: number): number => {
  const edges = [0, 1, 1447, 1448, 1449, 4095, 4096, 4097, 65_535, 65_536, 65_537, 200_001];
  return index % 10 === 0 ? (edges[(index / 10) % edges.length] ?? 0) : (index * 7919) % 20_000;
};

function writeLarge(path: string): void {
  const descriptor = openSync(path, "w");
  for (let at = 0; at < LARGE_BYTES; at += 1_000_000) writeSync(descriptor, noise(1_000_000, at + 1));
  closeSync(descriptor);
}

beforeAll(async () => {
  scratch = makeScratch();
  for (let i = 0; i < FILES; i++) {
    const path = `d${i % 17}/file-${i}.bin`;
    const content = noise(lengthOf(i), i + 1);
    writeFiles(scratch, { [path]: content });
    digests.set(`/${path}`, digest(content));
  }
  writeLarge(join(scratch, "large.bin"));
  digests.set("/large.bin", await digestOf(join(scratch, "large.bin")));
  live = await serveLive(scratch);
}, 60_000);

afterAll(async () => {
  await live.stop();
  removeScratch(scratch);
}, 30_000);

test("1,000 files and one of 100 MB come back byte-exact over 200 connections at once", async () => {
  expect(live.kernel.root.frames.count * 4096).toBe(64 * 2 ** 20);
  expect(live.server.cheetah.counters.files()).toBe(FILES + 1);
  const before = holdingsOf(live);
  const agent = makeAgent(CONNECTIONS);
  const alone = makeAgent(1);
  let most = 0;
  const looking = setInterval(() => (most = Math.max(most, live.server.cheetah.counters.open())), 5);
  const small = [...digests.keys()].filter((target) => target !== "/large.bin");
  const fetched = await Promise.all([
    fetchDigest(alone, live.port, "/large.bin").then((got) => ["/large.bin", got] as const),
    ...small.map(async (target) => [target, await fetchDigest(agent, live.port, target)] as const),
  ]);
  clearInterval(looking);
  agent.destroy();
  alone.destroy();
  expect(fetched.filter(([target, got]) => got.status !== 200 || got.digest !== digests.get(target))).toEqual(
    [],
  );
  expect(fetched[0]?.[1].length).toBe(LARGE_BYTES);
  expect(most).toBeGreaterThanOrEqual(CONNECTIONS);
  await until(() => isDeepStrictEqual(holdingsOf(live), before));
  expect(holdingsOf(live)).toEqual(before);
  expect(heldFrames(live.gatewayKernel as Exokernel)).toBeLessThan(MOST_GATEWAY_FRAMES);
});

test("200 connections fetch the same 200 KB at the same moment", async () => {
  const agent = makeAgent(CONNECTIONS);
  const target = [...digests.keys()].find((name) => name.endsWith("/file-110.bin")) ?? "";
  const fetched = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => fetchDigest(agent, live.port, target)),
  );
  agent.destroy();
  expect(new Set(fetched.map((got) => got.digest))).toEqual(new Set([digests.get(target)]));
  expect(fetched[0]?.length).toBe(200_001);
});

test("eight connections fetch different parts of 100 MB, which no cache of 24 MiB can hold", async () => {
  expect(await digestOfParts(8)).toBe(digests.get("/large.bin"));
});

/** Fetches the large file in `count` parts at once and digests them in order. */
async function digestOfParts(count: number): Promise<string> {
  const share = LARGE_BYTES / count;
  const parts = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const range = `bytes=${i * share}-${(i + 1) * share - 1}`;
      const response = await fetch(`http://127.0.0.1:${live.port}/large.bin`, { headers: { range } });
      expect(response.status).toBe(206);
      return Buffer.from(await response.arrayBuffer());
    }),
  );
  return digest(Buffer.concat(parts));
}
