import { expect, test } from "vitest";
import { makePhysicalGather } from "../nic.ts";
import { makeWire } from "../simulated/wire.ts";
import { contractFrame, nicPeer, sendFrame } from "../testing/nic-peer.ts";
import { cycles } from "../units.ts";
import { makeTraceHash } from "./trace-hash.ts";
import { tracedNic } from "./traced-nic.ts";

test("the sink sees whole frames in both directions, and none that was refused", () => {
  const seen: [string, number, Uint8Array][] = [];
  const { nics } = makeWire({ ends: [{ transmitSlots: 1 }, {}] });
  const nic = tracedNic(nics[0], {
    frame: ({ direction, now, bytes, at, length }) =>
      seen.push([direction, now, bytes.slice(at, at + length)]),
  });
  const memory = new Uint8Array(200);
  memory.set(contractFrame(1, 70).subarray(0, 14), 150);
  memory.set(contractFrame(1, 70).subarray(14), 3);
  const gather = makePhysicalGather(2);
  gather.addresses.set([150, 3]);
  gather.lengths.set([14, 56]);
  gather.count = 2;
  gather.length = 70;
  expect(nic.transmit({ now: () => cycles(5) }, memory, gather)).toBe(true);
  expect(nic.transmit({ now: () => cycles(6) }, memory, gather)).toBe(false);
  nic.flush(cycles(6));
  nicPeer(nics[1], () => cycles(7)).send(contractFrame(2, 80));
  expect(nicPeer(nic, () => cycles(8)).take()).toEqual(contractFrame(2, 80));
  expect(seen).toEqual([
    ["out", 5, contractFrame(1, 70)],
    ["in", 8, contractFrame(2, 80)],
  ]);
});

test("a trace hash changes with a time, a byte, a direction and a name", () => {
  const digest = (name: string, now: number, tag: number, both: boolean): string => {
    const hash = makeTraceHash();
    const { nics } = makeWire();
    const nic = tracedNic(nics[0], hash.nic(name));
    sendFrame(both ? nic : nics[0], cycles(now), contractFrame(tag, 60));
    return hash.digest();
  };
  const digests = [
    digest("a", 1, 1, true),
    digest("b", 1, 1, true),
    digest("a", 2, 1, true),
    digest("a", 1, 2, true),
    digest("a", 1, 1, false),
  ];
  expect(new Set(digests).size).toBe(5);
  expect(digest("a", 1, 1, true)).toBe(digests[0]);
});
