/** Clients that ask and do not take: what they hold is not missing to others for long. */
import { expect, test } from "vitest";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import type { Peer } from "./peer.ts";
import { makeServerRig, parseResponse, text, type ServerRig } from "./server-rig.ts";

const CHUNK = 65_536;
const CHUNKS = 16;
const source = makeMemorySource({ "a.txt": "a", "big.bin": patternBytes(40 * CHUNK, 5) });

const GET = (name: string, ...fields: string[]): string =>
  [`GET /${name} HTTP/1.1`, "Host: t", ...fields, "", ""].join("\r\n");
const NONE = "HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n";
const part = (chunk: number): string => GET("big.bin", `Range: bytes=${chunk * CHUNK}-${chunk * CHUNK + 9}`);

/** What comes to a client at once. */
function soon(rig: ServerRig, peer: Peer): Uint8Array {
  rig.run(0.05);
  while (peer.receive() > 0) rig.run(0.01);
  return peer.take();
}

const isServed = (rig: ServerRig): boolean => {
  const peer = rig.connect();
  peer.write(GET("a.txt", "Connection: close"));
  const bytes = soon(rig, peer);
  peer.end();
  return bytes.length > 0 && text(parseResponse(bytes).body) === "a";
};

test("whoever asks for many responses and takes none has few head slots; he gets all when he takes them", () => {
  const rig = makeServerRig({ source, cheetah: { headFrames: 4 } });
  const { counters } = rig.cheetah;
  const slots = counters.slots();
  const hoarder = rig.connect();
  hoarder.write(NONE.repeat(2 * slots));
  rig.run(0.05);
  expect(slots - counters.slotsFree()).toBe(slots / 4);
  expect(isServed(rig)).toBe(true);
  const heads = text(soon(rig, hoarder)).match(/HTTP\/1\.1 404/g);
  expect(heads?.length).toBe(2 * slots);
  hoarder.end();
  rig.run(0.05);
  expect([counters.open(), counters.slotsFree()]).toEqual([0, slots]);
});

test("as many as there are head slots, one each: whoever comes then waits until the first of them is reset", () => {
  const rig = makeServerRig({ source, cheetah: { headFrames: 4 } });
  const { counters } = rig.cheetah;
  const hoarders = Array.from({ length: counters.slots() }, () => rig.connect());
  for (const hoarder of hoarders) hoarder.write(NONE);
  rig.run(0.05);
  expect(counters.slotsFree()).toBe(0);
  const late = rig.connect();
  late.write(GET("a.txt"));
  expect(soon(rig, late).length).toBe(0);
  rig.run(3);
  expect(text(parseResponse(soon(rig, late)).body)).toBe("a");
  expect(hoarders.filter((peer) => peer.closedBecause === "aborted").length).toBe(1);
  expect(counters.displaced()).toBe(1);
});

test("chunks held for clients that take nothing leave a quarter of the cache to the others, and are given up in time", () => {
  const rig = makeServerRig({ source, cheetah: { cacheFrames: CHUNKS * 16 } });
  const { counters } = rig.cheetah;
  expect(isServed(rig)).toBe(true);
  const holders = Array.from({ length: 24 }, () => rig.connect());
  for (const [chunk, holder] of holders.entries()) {
    holder.write(part(chunk));
    rig.run(0.02);
    expect(isServed(rig)).toBe(true);
  }
  expect(counters.chunksIdle()).toBeGreaterThanOrEqual(CHUNKS / 4 - 1);
  const misses = counters.cacheMisses();
  const late = rig.connect();
  late.write(part(30));
  expect(soon(rig, late).length).toBe(0);
  expect(isServed(rig)).toBe(true);
  expect(counters.cacheMisses()).toBe(misses);
  rig.run(6);
  expect(parseResponse(soon(rig, late)).status).toBe(206);
  expect(counters.displaced()).toBeGreaterThan(0);
  for (const holder of holders) holder.vanish();
  late.end();
  rig.run(0.1);
  expect([counters.open(), counters.chunksIdle()]).toEqual([0, counters.chunks()]);
});

test("whoever has taken something finds chunks when those that have taken nothing hold all that they may", () => {
  const rig = makeServerRig({ source, cheetah: { cacheFrames: CHUNKS * 16 } });
  const { counters } = rig.cheetah;
  const reader = rig.connect();
  reader.write(GET("a.txt"));
  expect(parseResponse(soon(rig, reader)).status).toBe(200);
  const holders = Array.from({ length: 36 }, () => rig.connect());
  for (const [chunk, holder] of holders.entries()) holder.write(part(chunk));
  rig.run(0.1);
  expect(counters.chunksIdle()).toBe(CHUNKS / 4);
  reader.write(GET("big.bin"));
  expect(parseResponse(soon(rig, reader)).body.length).toBe(40 * CHUNK);
  expect(counters.displaced()).toBe(0);
  rig.run(10);
  expect(holders.every((peer) => peer.closedBecause === "aborted" || peer.receive() > 0)).toBe(true);
});

test("many that get on do not keep a newcomer waiting until all of them are done", () => {
  const rig = makeServerRig({ source, cheetah: { cacheFrames: CHUNKS * 16 } });
  const readers = Array.from({ length: 24 }, () => rig.connect());
  for (const reader of readers) {
    reader.write(GET("a.txt"));
    expect(parseResponse(soon(rig, reader)).status).toBe(200);
  }
  for (const [index, reader] of readers.entries()) reader.write(part(index));
  rig.run(0.1);
  expect(rig.cheetah.counters.chunksIdle()).toBe(CHUNKS / 8);
  const newcomer = rig.connect();
  newcomer.write(part(39));
  let taken = 0;
  for (; newcomer.unacknowledged === 0 && taken < CHUNKS; taken++) {
    readers[taken]?.receive();
    rig.run(0.1);
  }
  expect(taken).toBe(CHUNKS / 8 + 1);
  for (let round = 0; round < 3; round++) {
    for (const peer of [newcomer, ...readers]) peer.receive();
    rig.run(0.1);
  }
  for (const peer of [newcomer, ...readers]) expect(parseResponse(peer.take()).status).toBe(206);
});

test("while others wait for a chunk, only who holds something is reset, not who is slow to ask", () => {
  const rig = makeServerRig({ source, cheetah: { cacheFrames: CHUNKS * 16 } });
  const { counters } = rig.cheetah;
  for (let take = 0; take < 4; take++) expect(isServed(rig)).toBe(true);
  const slow = rig.connect();
  slow.write("GET /a.t");
  const holders = Array.from({ length: CHUNKS }, () => rig.connect());
  for (const [chunk, holder] of holders.entries()) holder.write(part(chunk));
  rig.run(5);
  expect(counters.displaced()).toBeGreaterThan(0);
  expect(slow.closedBecause).toBeUndefined();
  slow.write("xt HTTP/1.1\r\nHost: t\r\n\r\n");
  expect(text(parseResponse(soon(rig, slow)).body)).toBe("a");
});

test("a client that has finished sending takes its response as late and as slowly as any other", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  peer.write(GET("a.txt") + GET("big.bin"));
  peer.end();
  const parts: Uint8Array[] = [];
  for (let quiet = 0; quiet < 3;) {
    rig.run(1.5);
    quiet = peer.receive(1) > 0 ? 0 : quiet + 1;
    parts.push(peer.take());
  }
  const first = parseResponse(Buffer.concat(parts));
  expect([text(first.body), parseResponse(first.rest).body.length]).toEqual(["a", 40 * CHUNK]);
  expect([peer.closedBecause, rig.cheetah.counters.open()]).toEqual(["done", 0]);
});

test("with most connections taken, whoever takes a byte now and then is reset, and whoever takes more is not", () => {
  const rig = makeServerRig({ source, cheetah: { limits: { connections: 8, idleSeconds: 60 } } });
  const peers = Array.from({ length: 8 }, () => rig.connect());
  for (const peer of peers) peer.write(GET("big.bin"));
  const [brisk, ...slow] = peers;
  for (let step = 0; step < 10; step++) {
    rig.run(0.6);
    for (const peer of peers) peer.nibble(peer === brisk ? 4096 : 1);
    for (const peer of peers) if (peer.closedBecause === undefined) rig.cheetah.handler.acknowledged(peer);
  }
  expect(brisk?.closedBecause).toBe(undefined);
  expect(slow.filter((peer) => peer.closedBecause === "aborted").length).toBe(2);
  expect(rig.cheetah.counters.open()).toBe(6);
});

test("whoever waits for the disk keeps his place when all are taken", () => {
  const rig = makeServerRig({ source, cheetah: { limits: { connections: 4 } } });
  const waiting = [0, 1, 2, 3].map(() => rig.connect());
  for (const [chunk, peer] of waiting.entries()) peer.write(part(10 + chunk));
  expect(rig.connect().closedBecause).toBe("aborted");
  expect([rig.cheetah.counters.refused(), rig.cheetah.counters.displaced()]).toEqual([1, 0]);
  for (const peer of waiting) expect(parseResponse(soon(rig, peer)).status).toBe(206);
});

test("while there is room, nobody is reset for being slow", () => {
  const rig = makeServerRig({ source });
  const slow = rig.connect();
  slow.write(GET("big.bin"));
  rig.run(20);
  expect([slow.closedBecause, rig.cheetah.counters.displaced()]).toEqual([undefined, 0]);
});
