/** The seam between transports and interfaces with offloads, on two simulated machines. */
import type { Gate, Window } from "@exolith/exokernel/abi";
import { NEVER, cycles, must } from "@exolith/exokernel/abi";
import { expect, test } from "vitest";
import { makeFramePool } from "../memory/frame-pool.ts";
import { eventLoop, type Pollable } from "../schedule/event-loop.ts";
import { makeTwoHosts } from "../testing/two-hosts.ts";
import { foldSum, sumOf32 } from "./checksum.ts";
import { makeNetwork, type Network } from "./network.ts";
import type { SendResult, Transport } from "./segment-output.ts";

/** The protocol of segments; TCP itself is not asked here. */
const SEGMENTS = 6;
const HEADER_BYTES = 20;
const PAYLOAD_BYTES = 9000;
const SEGMENT_BYTES = 1400;

interface Heard {
  readonly length: number;
  readonly sequence: number;
  readonly first: number;
  /** The sum of the transport with its pseudo header: 0xffff when it is right. */
  readonly sum: number;
  readonly checksumGood: boolean | undefined;
}

/** A transport that takes note of what it hears. */
const listener = (network: () => Network, heard: Heard[]): Transport => ({
  input: (source, destination, window, at, length) => {
    const ends = sumOf32(source) + sumOf32(destination);
    heard.push({
      length,
      sequence: window.getU32(at + 4),
      first: window.getU8(at + HEADER_BYTES),
      sum: foldSum(window.checksum(at, length, 0) + ends + SEGMENTS + length),
      checksumGood: network().output.offload?.checksumGood,
    });
  },
  resolved: () => {},
  poll: () => {},
  wakeAt: () => Infinity,
});

/** Sends one segment of `PAYLOAD_BYTES` with its checksum left open, cut or not. */
const sendOne = ({ output }: Network, peer: number, payload: Window, segmentBytes: number): SendResult => {
  const { header, transportAt } = output;
  header.fill(transportAt, HEADER_BYTES, 0);
  header.setU32(transportAt + 4, 5000);
  header.setU16(transportAt + 12, 0x5010);
  output.payload.add(payload, 0, 5000);
  output.payload.add(payload, 5000, PAYLOAD_BYTES - 5000);
  output.payload.offload?.(true, segmentBytes);
  return output.send(output.sourceFor(peer), peer, SEGMENTS, HEADER_BYTES);
};

/** Two hosts, the left with offloads if `left`, the right if `right`; what was heard on the right, and what sending came to. */
const run = (left: boolean, right: boolean, segmentBytes = SEGMENT_BYTES) => {
  const heard: Heard[] = [];
  const results: SendResult[] = [];
  const networks: Network[] = [];
  const hosts = makeTwoHosts({
    left: (gate: Gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const network = makeNetwork(gate, { ...context.network, pool });
      const payload = must(pool.run(3));
      for (let i = 0; i < PAYLOAD_BYTES; i++) payload.setU8(i, Math.floor(i / SEGMENT_BYTES));
      networks[0] = network;
      const send = (): void => {
        if (results.at(-1) === undefined || results.at(-1) === "unresolved")
          results.push(sendOne(network, context.peer, payload, segmentBytes));
      };
      const transport = { ...listener(() => network, []), resolved: send };
      network.attach(SEGMENTS, transport);
      const once: Pollable = {
        poll: () => {
          if (results.length === 0) send();
          return false;
        },
        wakeAt: () => NEVER,
      };
      return eventLoop(gate, [network, once]);
    },
    right: (gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const network = makeNetwork(gate, { ...context.network, pool });
      networks[1] = network;
      network.attach(
        SEGMENTS,
        listener(() => network, heard),
      );
      return eventLoop(gate, [network]);
    },
    machines: { left: { end: { offloads: left } }, right: { end: { offloads: right } } },
  });
  hosts.run({ seconds: 0.5 });
  return { heard, results, left: networks[0] as Network };
};

test("a packet longer than the link's leaves as a super-segment and arrives as whole segments", () => {
  const { heard, results, left } = run(true, true);
  expect(results.at(-1)).toBe("sent");
  expect(heard.map(({ length }) => length - HEADER_BYTES)).toEqual([1400, 1400, 1400, 1400, 1400, 1400, 600]);
  expect(heard.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => 5000 + 1400 * i));
  expect(heard.map(({ first }) => first)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(heard.every(({ sum, checksumGood }) => sum === 0xffff && checksumGood === true)).toBe(true);
  expect(left.output.offload).toMatchObject({ transmitChecksum: true, segmentationBytes: 65_535 });
  expect(left.counters.link.sentBytes).toBeGreaterThan(PAYLOAD_BYTES);
});

test("an interface without offloads knows of no good checksum, and takes nothing off anybody", () => {
  const { heard } = run(true, false);
  expect(heard.length).toBe(7);
  expect(heard.every(({ sum, checksumGood }) => sum === 0xffff && checksumGood === false)).toBe(true);
  const without = run(false, true);
  expect(without.left.output.offload).toMatchObject({ transmitChecksum: false, segmentationBytes: 0 });
  expect([without.results.at(-1), without.heard]).toEqual(["unreachable", []]);
});

test("what is not to be cut has to fit the link", () => {
  const { heard, results } = run(true, true, 0);
  expect([results.at(-1), heard]).toEqual(["unreachable", []]);
});

/** Sends one datagram from a host with or without offloads to one with or without; what arrived. */
const sendDatagram = (left: boolean, right: boolean) => {
  const texts: string[] = [];
  const networks: Network[] = [];
  const hosts = makeTwoHosts({
    left: (gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const network = makeNetwork(gate, { ...context.network, pool });
      networks[0] = network;
      const window = must(pool.run(1));
      for (let i = 0; i < 1000; i++) window.setU8(i, 65 + (i % 26));
      const address = { destination: context.peer, destinationPort: 7, sourcePort: 9 };
      const again = gate.clock.hertz / 1000;
      let next = 0;
      const isSent = (): boolean => network.udp.counters.sent > 0;
      const sender: Pollable = {
        poll: () => {
          if (isSent() || gate.clock.now() < next) return false;
          next = gate.clock.now() + again;
          network.udp.send({ ...address, window, at: 0, length: 1000 });
          return false;
        },
        wakeAt: () => (isSent() ? NEVER : cycles(next)),
      };
      return eventLoop(gate, [network, sender]);
    },
    right: (gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const network = makeNetwork(gate, { ...context.network, pool });
      networks[1] = network;
      network.udp.bind(7, (window, at, length) => void texts.push(window.text(at, length)));
      return eventLoop(gate, [network]);
    },
    machines: { left: { end: { offloads: left } }, right: { end: { offloads: right } } },
  });
  hosts.run({ seconds: 0.5 });
  return { texts, counters: networks[1]?.counters.udp };
};

test("a datagram's checksum is the interface's where it has offloads, and right for who has none", () => {
  const text = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(65 + (i % 26))).join("");
  for (const [left, right] of [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ] as const) {
    const { texts, counters } = sendDatagram(left, right);
    expect([left, right, texts]).toEqual([left, right, [text]]);
    expect(counters?.badChecksum).toBe(0);
  }
});
