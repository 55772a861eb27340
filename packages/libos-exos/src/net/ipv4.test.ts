import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOST, PEER, makePacketHost } from "../testing/packet-host.ts";
import { ipv4Packet } from "../testing/packets.ts";
import { cut, packetOf, windowOf } from "../testing/recorded-link.ts";
import { finishChecksum } from "./checksum.ts";
import type { Transport } from "./segment-output.ts";
import { destinationHigh, destinationLow, etherType, sourceLow } from "./wire/ethernet-wire.ts";
import * as wire from "./wire/ipv4-wire.ts";

const PROTOCOL = 253;

function makeHost() {
  const host = makePacketHost();
  const heard: { source: number; destination: number; payload: Window }[] = [];
  const transport: Transport = {
    input: (source, destination, window, at, length) =>
      void heard.push({ source, destination, payload: cut(window, at, length) }),
    resolved: () => {},
    poll: () => {},
    wakeAt: () => Infinity,
  };
  host.ipv4.attach(PROTOCOL, transport);
  return { ...host, heard };
}

const packet = (source: number = PEER, destination: number = HOST): Window =>
  ipv4Packet({ source, destination, protocol: PROTOCOL }, windowOf([1, 2, 3, 4, 5]));

/** `packet()` with one change, and its header checksum made right again. */
function changed(change: (window: Window) => void): Window {
  const window = packet();
  change(window);
  wire.setIpv4Checksum(window, 0, 0);
  wire.setIpv4Checksum(window, 0, finishChecksum(window.checksum(0, 20, 0)));
  return window;
}

describe("in", () => {
  test("a datagram for us reaches its transport, without what the link added behind it", () => {
    const host = makeHost();
    const padded = makeWindow(46);
    padded.copy(0, packet(), 0, 25);
    host.arrives(padded);
    expect(host.heard).toHaveLength(1);
    expect(host.heard[0]?.payload.equals(0, windowOf([1, 2, 3, 4, 5]), 0, 5)).toBe(true);
    expect([host.heard[0]?.source, host.heard[0]?.destination]).toEqual([PEER, HOST]);
    expect(host.heard[0]?.payload.length).toBe(5);
  });

  test("options are skipped", () => {
    const host = makeHost();
    const window = makeWindow(29);
    window.copy(0, packet(), 0, 20);
    window.setU8(0, 0x46);
    window.setU16(2, 29);
    window.setU8(20, 1);
    window.setU8(24, 42);
    wire.setIpv4Checksum(window, 0, 0);
    wire.setIpv4Checksum(window, 0, finishChecksum(window.checksum(0, 24, 0)));
    host.arrives(window);
    expect(host.heard[0]?.payload.getU8(0)).toBe(42);
  });

  test.each([
    ["another version", "malformed", (window: Window) => window.setU8(0, 0x65)],
    ["a header of 16 bytes", "malformed", (window: Window) => window.setU8(0, 0x44)],
    ["a header longer than the packet", "malformed", (window: Window) => window.setU8(0, 0x4f)],
    ["a total longer than the packet", "malformed", (window: Window) => window.setU16(2, 26)],
    ["a total shorter than the header", "malformed", (window: Window) => window.setU16(2, 19)],
    ["a first fragment", "fragments", (window: Window) => window.setU16(6, 0x2000)],
    ["a last fragment", "fragments", (window: Window) => window.setU16(6, 0x0001)],
    ["a loopback source", "martians", (window: Window) => window.setU32(12, 0x7f00_0001)],
    ["a multicast source", "martians", (window: Window) => window.setU32(12, 0xe000_0001)],
    ["our own source", "martians", (window: Window) => window.setU32(12, HOST)],
    ["the link's broadcast as source", "martians", (window: Window) => window.setU32(12, 0x0a00_00ff)],
    ["somebody else's address", "notOurs", (window: Window) => window.setU32(16, 0x0a00_0009)],
    ["a protocol that nobody attached", "unknownProtocol", (window: Window) => window.setU8(9, 200)],
    [
      "a broadcast for a transport that takes none",
      "unknownProtocol",
      (window: Window) => window.setU32(16, 0x0a00_00ff),
    ],
  ] as const)("%s is counted as %s and delivered to nobody", (_, counter, change) => {
    const host = makeHost();
    host.arrives(changed(change));
    expect(host.ipv4.counters[counter]).toBe(1);
    expect(host.heard).toHaveLength(0);
  });

  test("a header with a wrong sum is refused", () => {
    const host = makeHost();
    const window = packet();
    window.setU8(8, 63);
    host.arrives(window);
    expect(host.ipv4.counters.badChecksum).toBe(1);
  });

  test("no bytes make it throw, and every packet is counted once", () => {
    const host = makeHost();
    const random = fc.tuple(fc.constantFrom([], [0x45, 0, 0, 28], [0x46]), fc.uint8Array({ maxLength: 80 }));
    const broken = fc
      .tuple(fc.nat(24), fc.nat(255))
      .map(([at, value]) => changed((window) => window.setU8(at, value)));
    const arbitrary = fc.oneof(
      random.map(([start, rest]) => windowOf([...start, ...rest])),
      broken,
    );
    fc.assert(fc.property(arbitrary, (window) => host.arrives(window)));
    const { received, delivered, malformed, badChecksum, fragments, martians, notOurs, unknownProtocol } =
      host.ipv4.counters;
    expect(delivered + malformed + badChecksum + fragments + martians + notOurs + unknownProtocol).toBe(
      received,
    );
  });
});

describe("out", () => {
  test("a header that a receiver accepts, from any values", () => {
    const host = makePacketHost();
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.uint8Array({ maxLength: 1400 }),
        fc.nat(255),
        (transport, data, protocol) => {
          host.link.sent.length = 0;
          if (data.length > 0) host.ipv4.payload.add(windowOf(data), 0, data.length);
          expect(host.ipv4.send(HOST, PEER, protocol, transport)).toBe("sent");
          const sent = packetOf(host.link.sent[0] as Window);
          expect(wire.ipv4Fits(sent, 0, sent.length)).toBe(true);
          expect(sent.checksum(0, 20, 0)).toBe(0xffff);
          expect(wire.totalBytes(sent, 0)).toBe(20 + transport + data.length);
          expect(sent.length).toBe(wire.totalBytes(sent, 0));
          expect([wire.ipSource(sent, 0), wire.ipDestination(sent, 0)]).toEqual([HOST, PEER]);
          expect([wire.ipProtocol(sent, 0), wire.timeToLive(sent, 0)]).toEqual([protocol, 64]);
          expect(sent.getU16(6)).toBe(0);
          expect(host.ipv4.payload.count).toBe(0);
        },
      ),
    );
  });

  test("the frame goes to the next hop's link address, from ours", () => {
    const host = makePacketHost();
    host.ipv4.send(HOST, PEER, PROTOCOL, 8);
    const frame = host.link.sent[0] as Window;
    expect([destinationHigh(frame, 0), destinationLow(frame, 0)]).toEqual([0x0200, 2]);
    expect([sourceLow(frame, 0), etherType(frame, 0)]).toEqual([1, 0x0800]);
  });

  test("a broadcast needs no resolution", () => {
    const host = makePacketHost();
    expect(host.ipv4.send(HOST, 0x0a00_00ff, PROTOCOL, 8)).toBe("sent");
    expect(destinationLow(host.link.sent[0] as Window, 0)).toBe(0xffff_ffff);
  });

  test("an unknown neighbour is asked for", () => {
    const host = makePacketHost();
    host.ipv4.payload.add(host.ipv4.header, 0, 4);
    expect(host.ipv4.send(HOST, 0x0a00_0055, PROTOCOL, 8)).toBe("unresolved");
    expect(etherType(host.link.sent[0] as Window, 0)).toBe(0x0806);
    expect(host.ipv4.payload.count).toBe(0);
  });

  test.each([
    ["no route", HOST, 0x0808_0808, 8],
    ["ourselves", HOST, HOST, 8],
    ["a source that is not ours", PEER, PEER, 8],
  ])("%s is unreachable", (_, source, destination, length) => {
    const host = makePacketHost();
    expect(host.ipv4.send(source, destination, PROTOCOL, length)).toBe("unreachable");
    expect(host.link.sent).toHaveLength(0);
  });

  test("a packet longer than the link's is unreachable, one as long is sent", () => {
    const host = makePacketHost();
    const window = makeWindow(2000);
    host.ipv4.payload.add(window, 0, host.ipv4.mtu(PEER) - 20);
    expect(host.ipv4.send(HOST, PEER, PROTOCOL, 0)).toBe("sent");
    host.ipv4.payload.add(window, 0, host.ipv4.mtu(PEER) - 19);
    expect(host.ipv4.send(HOST, PEER, PROTOCOL, 0)).toBe("unreachable");
  });

  test("the link's answers are passed on", () => {
    const host = makePacketHost();
    host.link.result = "full";
    expect(host.ipv4.send(HOST, PEER, PROTOCOL, 8)).toBe("full");
    host.link.result = "refused";
    expect(host.ipv4.send(HOST, PEER, PROTOCOL, 8)).toBe("unreachable");
    expect([host.ipv4.counters.full, host.ipv4.counters.unreachable]).toEqual([1, 1]);
  });
});
