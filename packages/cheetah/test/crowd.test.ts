/** Clients that take up room: idle ones by the hundred, and bodies that never end. */
import { expect, test } from "vitest";
import { makeMemorySource } from "./memory-source.ts";
import type { Peer } from "./peer.ts";
import { makeServerRig, parseResponse, text } from "./server-rig.ts";
import type { ServerRig } from "./server-rig.ts";

const source = makeMemorySource({ "index.html": "front", "a.txt": "a" });
/** All that comes within a while. */
function receive(rig: ServerRig, peer: Peer): Uint8Array {
  rig.run(0.1);
  while (peer.receive() > 0) rig.run(0.01);
  return peer.take();
}

const GET = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: t\r\n\r\n`;

test("a body that drips in ends its connection 10 s after the response", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  peer.write("POST /a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n");
  expect(parseResponse(receive(rig, peer)).status).toBe(405);
  const { clock } = rig.machine;
  const drip = (seconds: number): void => {
    while (clock.now() < seconds * clock.hertz) {
      peer.write("x");
      rig.run(1);
    }
  };
  drip(9);
  expect(peer.sawEnd).toBe(false);
  drip(11);
  expect(peer.sawEnd).toBe(true);
});

test("a body that comes in time leaves the connection for the next request, with a time of its own", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  peer.write("POST /a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n");
  receive(rig, peer);
  rig.run(8);
  peer.write("body");
  rig.run(8);
  peer.write(GET("a.txt"));
  expect(text(parseResponse(receive(rig, peer)).body)).toBe("a");
});

test("when every connection is taken, whoever has been there longest and taken nothing makes room, and nobody who has", () => {
  const rig = makeServerRig({ source, cheetah: { limits: { connections: 4 } } });
  const served = rig.connect();
  served.write(GET("a.txt"));
  expect(text(parseResponse(receive(rig, served)).body)).toBe("a");
  const slow = rig.connect();
  slow.write("GET /a.t");
  const idle = [0, 1].map(() => {
    rig.run(0.001);
    return rig.connect();
  });
  const late = rig.connect();
  late.write(GET("a.txt"));
  expect(text(parseResponse(receive(rig, late)).body)).toBe("a");
  expect([served, slow, ...idle].map((peer) => peer.closedBecause)).toEqual([
    undefined,
    "aborted",
    undefined,
    undefined,
  ]);
  expect([rig.cheetah.counters.open(), rig.cheetah.counters.refused()]).toEqual([4, 0]);
});

test("when most connections wait, those that wait longest are let go within seconds, before all are taken", () => {
  const rig = makeServerRig({ source, cheetah: { limits: { connections: 100 } } });
  const peers = Array.from({ length: 100 }, () => rig.connect());
  rig.run(4);
  const open = (): number => peers.filter((peer) => peer.closedBecause === undefined && !peer.sawEnd).length;
  expect([open(), rig.cheetah.counters.open()]).toEqual([75, 75]);
  rig.run(6);
  expect(open()).toBe(75);
});

test("empty lines after a request are not the beginning of one: the connection is idle, and no 408 comes", () => {
  const rig = makeServerRig({ source });
  const peer = rig.connect();
  peer.write(`${GET("a.txt")}\r\n`);
  receive(rig, peer);
  rig.run(12);
  expect([peer.sawEnd, rig.cheetah.counters.timeouts()]).toEqual([false, 0]);
  rig.run(5);
  peer.receive();
  expect([peer.sawEnd, peer.take().length, rig.cheetah.counters.timeouts()]).toEqual([true, 0, 0]);
  const next = rig.connect();
  next.write("\r\n");
  rig.run(1);
  next.write(GET("a.txt"));
  expect(text(parseResponse(receive(rig, next)).body)).toBe("a");
});
