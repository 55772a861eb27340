/** Large sites, small memory, many clients: the cache on the real kernel and disk. */
import { createHash } from "node:crypto";
import type { Disk } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import { makeServerRig, parseResponse, text } from "./server-rig.ts";

const MEBIBYTE = 1_048_576;
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const GET = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: t\r\n\r\n`;

test("100 MB are served byte-exact by 64 MiB of memory and a cache of 24 MiB", () => {
  const big = patternBytes(100_000_000, 5);
  const source = makeMemorySource({ "big.bin": big });
  const rig = makeServerRig({ frames: 16_384, blocks: 32_768, source, cheetah: { cacheFrames: 6144 } });
  const peer = rig.connect();
  peer.write(GET("big.bin"));
  const digest = createHash("sha256");
  const held = { head: "", bytes: 0 };
  const drain = (): boolean => {
    peer.receive();
    let part = Buffer.from(peer.take());
    if (held.head === "" && part.length > 0) {
      held.head = text(part.subarray(0, part.indexOf("\r\n\r\n")));
      part = part.subarray(part.indexOf("\r\n\r\n") + 4);
    }
    digest.update(part);
    held.bytes += part.length;
    return held.bytes === big.length;
  };
  rig.until(drain, 600);
  expect(held.bytes).toBe(big.length);
  expect(digest.digest("hex")).toBe(hash(big));
  expect(rig.cheetah.counters.cacheEvictions()).toBeGreaterThan(1000);
  expect(rig.cheetah.counters.cacheReadAhead()).toBeGreaterThan(1000);
  expect(rig.cheetah.counters.chunksIdle()).toBe(rig.cheetah.counters.chunks());
});

test("[W1] one event loop serves 200 concurrent clients in one environment, and a disk miss never blocks the others", () => {
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`${i}.bin`, patternBytes(300_000 + i, i)]),
  );
  const source = makeMemorySource({ ...files, "small.txt": "small" });
  const gate = { stuck: false, submitted: 0 };
  const rig = makeServerRig({
    frames: 8192,
    blocks: 32_768,
    source,
    wrapDisk: (disk) => stuckDisk(disk, gate),
    cheetah: { cacheFrames: 1024 },
  });
  const environments = rig.gate.environments;
  const alive = Array.from({ length: environments.count }, (_, row) => environments.state(row)).filter(
    (state) => state === 1,
  );
  expect(alive.length).toBe(2);
  expect(text(parseResponse(rig.exchange(GET("small.txt"))).body)).toBe("small");

  gate.stuck = true;
  const missing = rig.connect();
  missing.write(GET("7.bin"));
  rig.run();
  expect([missing.receive(), gate.submitted > 0]).toEqual([0, true]);
  for (let i = 0; i < 50; i++) expect(text(parseResponse(rig.exchange(GET("small.txt"))).body)).toBe("small");
  expect(missing.receive()).toBe(0);
  gate.stuck = false;

  const clients = Object.keys(files).map((name) => ({
    name,
    peer: rig.connect(),
    parts: [] as Uint8Array[],
  }));
  for (const { name, peer } of clients) peer.write(GET(name));
  expect(rig.cheetah.counters.open()).toBe(201);
  for (let turn = 0; turn < 400; turn++) {
    rig.run(0.01);
    for (const client of clients) {
      client.peer.receive(1);
      client.parts.push(client.peer.take());
    }
  }
  for (const { name, parts } of clients) {
    const { status, body } = parseResponse(Buffer.concat(parts));
    expect([name, status, hash(body)]).toEqual([name, 200, hash(files[name]!)]);
  }
});

/** A disk that takes requests and, while `stuck`, finishes none. */
function stuckDisk(disk: Disk, gate: { stuck: boolean; submitted: number }): Disk {
  return {
    get hardware() {
      return disk.hardware;
    },
    submit: (now, memory, request) => {
      if (gate.stuck) gate.submitted += 1;
      return disk.submit(now, memory, request);
    },
    reap: (now, limit, done) => (gate.stuck ? 0 : disk.reap(now, limit, done)),
    settle: (now) => disk.settle(now),
    armPosition: () => disk.armPosition(),
    wakeAt: (now) => (gate.stuck ? (Infinity as never) : disk.wakeAt(now)),
  };
}

test("clients that never read hold their share of the cache and no more; the others go on", () => {
  const source = makeMemorySource({
    "a.bin": patternBytes(8 * MEBIBYTE, 1),
    "b.bin": patternBytes(MEBIBYTE, 2),
  });
  const rig = makeServerRig({ frames: 4096, source, cheetah: { cacheFrames: 256 } });
  const stuck = Array.from({ length: 3 }, () => rig.connect());
  for (const peer of stuck) peer.write(GET("a.bin"));
  rig.run(1);
  const { chunks, chunksIdle } = rig.cheetah.counters;
  expect(chunks() - chunksIdle()).toBeLessThanOrEqual(3 * 4 + 3);
  const { body } = parseResponse(rig.exchange(GET("b.bin")));
  expect(hash(body)).toBe(hash(patternBytes(MEBIBYTE, 2)));
  rig.until(() => rig.cheetah.counters.stalls() === 3, 120);
  expect(stuck.map((peer) => peer.closedBecause)).toEqual(["aborted", "aborted", "aborted"]);
  expect(rig.cheetah.counters.chunksIdle()).toBe(chunks());
});

test("more clients than chunks: everybody waits in turn, and all get everything", () => {
  const files = Object.fromEntries(
    Array.from({ length: 24 }, (_, i) => [`${i}.bin`, patternBytes(200_000, i + 1)]),
  );
  const rig = makeServerRig({ frames: 2048, source: makeMemorySource(files), cheetah: { cacheFrames: 64 } });
  const clients = Object.keys(files).map((name) => ({
    name,
    peer: rig.connect(),
    parts: [] as Uint8Array[],
  }));
  for (const { name, peer } of clients) peer.write(GET(name));
  for (let turn = 0; turn < 300; turn++) {
    rig.run(0.01);
    for (const { peer, parts } of clients) {
      peer.receive(1);
      parts.push(peer.take());
    }
  }
  for (const { name, parts } of clients)
    expect([name, hash(parseResponse(Buffer.concat(parts)).body)]).toEqual([name, hash(files[name]!)]);
});

test("a disk that cannot read: 500 before the head, a reset after it, and the others go on", () => {
  const bad = { from: Infinity };
  const source = makeMemorySource({ "a.bin": patternBytes(300_000, 1), "b.txt": "b" });
  const rig = makeServerRig({
    source,
    wrapDisk: (disk) => failingDisk(disk, bad),
    cheetah: { cacheFrames: 256 },
  });
  bad.from = 16;
  const begun = rig.connect();
  begun.write(GET("a.bin"));
  for (let turn = 0; turn < 20; turn++) {
    begun.receive();
    rig.run(0.01);
  }
  expect(begun.closedBecause).toBe("aborted");
  bad.from = 0;
  const later = makeServerRig({ source, machine: rig.machine, wrapDisk: (disk) => failingDisk(disk, bad) });
  expect(later.cheetah.restored()).toBe("DiskFailed");
  expect(parseResponse(later.exchange(GET("b.txt"))).status).toBe(500);
  expect(parseResponse(later.exchange(GET("nothing"))).status).toBe(404);
  bad.from = Infinity;
  expect(text(parseResponse(later.exchange(GET("b.txt"))).body)).toBe("b");
});

/** A disk whose reads from block `bad.from` on fail. */
function failingDisk(disk: Disk, bad: { from: number }): Disk {
  return {
    hardware: disk.hardware,
    submit: (now, memory, request) => disk.submit(now, memory, request),
    reap: (now, limit, done) =>
      disk.reap(now, limit, (request, ok) =>
        done(request, ok && (request.kind === "write" || request.first < bad.from)),
      ),
    settle: (now) => disk.settle(now),
    armPosition: () => disk.armPosition(),
    wakeAt: (now) => disk.wakeAt(now),
  };
}

test("a chunk set aside for one client and taken by a hit of another is waited for again", () => {
  const source = makeMemorySource({ "a.txt": "first", "m.bin": patternBytes(200_000, 3), "z.txt": "last" });
  const rig = makeServerRig({ source, cheetah: { cacheFrames: 16, grouping: false } });
  const [holder, waiting, hitting] = [rig.connect(), rig.connect(), rig.connect()];
  hitting.write(GET("a.txt"));
  rig.run();
  hitting.receive();
  hitting.take();
  holder.write(GET("a.txt"));
  rig.run();
  waiting.write(GET("z.txt"));
  rig.run();
  expect(rig.cheetah.counters.chunksIdle()).toBe(0);
  holder.receive();
  hitting.write(GET("a.txt"));
  rig.run();
  expect(waiting.unacknowledged).toBe(0);
  hitting.receive();
  rig.run();
  waiting.receive();
  expect([holder, hitting, waiting].map((peer) => text(parseResponse(peer.take()).body))).toEqual([
    "first",
    "first",
    "last",
  ]);
});
