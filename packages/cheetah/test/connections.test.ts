/** Connections over time: pipelining, slow and silent clients, and a clean stop. */
import { expect, test } from "vitest";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import type { Peer } from "./peer.ts";
import { makeServerRig, parseResponse, text } from "./server-rig.ts";
import type { ServerRig } from "./server-rig.ts";

const BIG = patternBytes(2_000_000, 9);
const source = makeMemorySource({ "index.html": "front", "a.txt": "a", "b.txt": "b", "big.bin": BIG });
const GET = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: t\r\n\r\n`;

/** Receives until nothing more comes. */
function receiveAll(rig: ServerRig, peer: Peer): Buffer {
  const parts: Uint8Array[] = [];
  for (let quiet = 0; quiet < 3;) {
    quiet = peer.receive() > 0 ? 0 : quiet + 1;
    parts.push(peer.take());
    rig.run(0.005);
  }
  return Buffer.concat(parts);
}

test("pipelined requests are answered in order, whatever is in the cache", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  const names = ["a.txt", "big.bin", "missing", "b.txt", "a.txt"];
  peer.write(names.map(GET).join(""));
  let rest = receiveAll(rig, peer);
  const seen = names.map(() => {
    const response = parseResponse(rest);
    rest = response.rest;
    return [response.status, response.body.length < 10 ? text(response.body) : response.body.length];
  });
  expect(seen[1]).toEqual([200, BIG.length]);
  expect([seen[0], seen[3], seen[4], seen[2]![0], rest.length]).toEqual([
    [200, "a"],
    [200, "b"],
    [200, "a"],
    404,
    0,
  ]);
});

test("a client that sends requests and reads nothing is held up, not stored", () => {
  const rig = makeServerRig({ source });
  rig.exchange(GET("big.bin"));
  const peer = rig.connect();
  peer.write(GET("big.bin").repeat(50));
  rig.run(1);
  expect(peer.unacknowledged).toBeLessThanOrEqual(4 * 65_536 + 1024);
  expect(peer.untaken).toBe(GET("big.bin").length * 49);
});

test("a request may end with the client's last byte: it is answered all the same", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  peer.write(GET("big.bin") + GET("a.txt"));
  peer.end();
  const first = parseResponse(receiveAll(rig, peer));
  expect([first.body.length, text(parseResponse(first.rest).body)]).toEqual([BIG.length, "a"]);
  expect(peer.closedBecause).toBe("done");
});

test("a client of one byte a second gets 408 after 10 s, and others are not slowed", () => {
  const rig = makeServerRig({ source });
  const slow = rig.connect();
  for (let second = 0; second < 12; second++) {
    if (second < 9) slow.write(GET("a.txt")[second]!);
    rig.run(1);
    expect(text(parseResponse(rig.exchange(GET("b.txt"))).body)).toBe("b");
  }
  slow.receive();
  expect([parseResponse(slow.take()).status, slow.sawEnd, rig.cheetah.counters.timeouts()]).toEqual([
    408,
    true,
    1,
  ]);
});

test("an idle connection ends after 15 s, one that is finished and not closed 5 s later", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  rig.run(14);
  expect(peer.sawEnd).toBe(false);
  rig.run(2);
  expect([peer.sawEnd, peer.closedBecause]).toEqual([true, undefined]);
  rig.run(6);
  expect([peer.closedBecause, rig.cheetah.counters.open()]).toEqual(["aborted", 0]);
});

test("a client that takes a piece byte by byte is not cut off, one that takes nothing is, after 60 s", () => {
  const rig = makeServerRig({ source });
  const slow = rig.connect();
  const silent = rig.connect();
  slow.write(GET("big.bin"));
  silent.write(GET("big.bin"));
  const { clock } = rig.machine;
  while (clock.now() < 90 * clock.hertz) {
    rig.run(1);
    slow.nibble(1);
    if (clock.now() < 59 * clock.hertz) expect(silent.closedBecause).toBeUndefined();
  }
  expect([slow.closedBecause, silent.closedBecause]).toEqual([undefined, "aborted"]);
});

test("when every head slot is taken, connections wait in turn and all are answered", () => {
  const rig = makeServerRig({ source, cheetah: { headFrames: 1, preformattedHeads: false } });
  const peers = Array.from({ length: 12 }, () => rig.connect());
  for (const peer of peers) peer.write(GET("a.txt") + GET("b.txt"));
  rig.run(0.1);
  const received = peers.map(() => [] as Uint8Array[]);
  for (let turn = 0; turn < 20; turn++) {
    peers.forEach((peer, i) => {
      peer.receive(1);
      received[i]!.push(peer.take());
    });
    peers[turn % 3]!.vanish();
    rig.run(0.01);
  }
  for (const parts of received.slice(3)) {
    const first = parseResponse(Buffer.concat(parts));
    expect([text(first.body), text(parseResponse(first.rest).body)]).toEqual(["a", "b"]);
  }
  expect(rig.cheetah.counters.slotsFree()).toBe(4);
});

test("responses share a head until the date changes, what is sent again is as it was, and in the end every slot is free", () => {
  const rig = makeServerRig({ source });
  const { counters } = rig.cheetah;
  const free = counters.slotsFree();
  const peers = Array.from({ length: 20 }, () => rig.connect());
  for (const peer of peers) peer.write(GET("a.txt"));
  rig.run(0.05);
  // Nobody has acknowledged anything: all have the same bytes queued.
  expect(free - counters.slotsFree()).toBe(1);
  rig.run(1.2);
  const late = rig.connect();
  late.write(GET("a.txt"));
  rig.run(0.05);
  expect(free - counters.slotsFree()).toBe(2);
  const dates = [...peers, late].map((peer) => {
    peer.receive(10_000);
    const { fields, body } = parseResponse(peer.take());
    expect(text(body)).toBe("a");
    return fields.get("date");
  });
  expect(new Set(dates.slice(0, -1)).size).toBe(1);
  expect(dates.at(-1)).not.toBe(dates[0]);
  expect(free - counters.slotsFree()).toBe(1);
  for (const peer of [...peers, late]) peer.vanish();
  rig.run(0.1);
  expect(counters.slotsFree()).toBe(free);
});

test("without room to share, each response makes its own head", () => {
  const rig = makeServerRig({ source, cheetah: { headFrames: 1 } });
  const peers = Array.from({ length: 12 }, () => rig.connect());
  for (const name of ["a.txt", "b.txt", "a.txt"]) {
    for (const peer of peers) peer.write(GET(name));
    rig.run(0.05);
    for (let turn = 0; turn < 12; turn++) {
      for (const peer of peers) peer.receive(10_000);
      rig.run(0.01);
    }
    for (const peer of peers) expect(text(parseResponse(peer.take()).body)).toBe(name[0]);
  }
});

test("a client that disappears gives everything back", () => {
  const rig = makeServerRig({ source });
  const { counters } = rig.cheetah;
  const before = [counters.slotsFree(), counters.chunksIdle()];
  for (let i = 0; i < 20; i++) {
    const peer = rig.connect();
    peer.write(GET("big.bin") + GET("a.txt").slice(0, i));
    if (i % 2 === 0) rig.run(0.001 * i);
    peer.receive(i % 3);
    peer.vanish();
  }
  rig.run(1);
  expect([counters.slotsFree(), counters.chunksIdle(), counters.open()]).toEqual([...before, 0]);
});

test("100,000 requests leave frames, chunks and slots as they were", () => {
  const rig = makeServerRig({ source });
  rig.exchange(GET("a.txt"));
  const { counters } = rig.cheetah;
  const frames = rig.gate.frames.free();
  const before = [counters.slotsFree(), counters.chunksIdle()];
  const batch = GET("a.txt").repeat(10);
  for (let i = 0; i < 500; i++) {
    const peer = rig.connect();
    for (let j = 0; j < 20; j++) {
      peer.write(batch);
      while (peer.receive() > 0);
      peer.take();
    }
    peer.end();
    peer.receive();
  }
  expect(counters.requests()).toBe(100_001);
  expect([counters.slotsFree(), counters.chunksIdle(), counters.open()]).toEqual([...before, 0]);
  expect(rig.gate.frames.free()).toBe(frames);
});

test("a clean stop: idle connections end, responses under way are finished, nobody new is let in", () => {
  const rig = makeServerRig({ source });
  const idle = rig.connect();
  const busy = rig.connect();
  busy.write(GET("big.bin") + GET("a.txt"));
  rig.run(0.1);
  rig.cheetah.drain();
  expect([idle.sawEnd, busy.sawEnd, rig.cheetah.drained()]).toEqual([true, false, false]);
  expect(rig.connect().closedBecause).toBe("aborted");
  const response = parseResponse(receiveAll(rig, busy));
  expect([response.body.length, response.rest.length, busy.sawEnd]).toEqual([BIG.length, 0, true]);
  idle.end();
  busy.end();
  expect(rig.cheetah.drained()).toBe(true);
});

test("a stop does not wait for ever: after 10 s what is left is reset", () => {
  const rig = makeServerRig({ source });
  const stuck = rig.connect();
  stuck.write(GET("big.bin"));
  rig.run(0.1);
  rig.cheetah.drain();
  rig.run(11);
  expect([stuck.closedBecause, rig.cheetah.drained()]).toEqual(["aborted", true]);
});
