import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as arp from "./arp-wire.ts";
import * as ethernet from "./ethernet-wire.ts";
import * as icmp from "./icmp-wire.ts";
import * as ipv4 from "./ipv4-wire.ts";
import * as udp from "./udp-wire.ts";
import { windowOf, windowOfHex } from "../../testing/recorded-link.ts";

describe("hand-made packets", () => {
  test("an Ethernet header", () => {
    const window = windowOfHex("ff ff ff ff ff ff 02 00 00 00 00 01 08 06");
    expect(ethernet.destinationHigh(window, 0)).toBe(0xffff);
    expect(ethernet.destinationLow(window, 0)).toBe(0xffff_ffff);
    expect(ethernet.sourceHigh(window, 0)).toBe(0x0200);
    expect(ethernet.sourceLow(window, 0)).toBe(1);
    expect(ethernet.etherType(window, 0)).toBe(ethernet.ETHER_TYPE.arp);
  });

  test("an ARP request", () => {
    const window = windowOfHex("0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002");
    expect(arp.isArp(window, 0, window.length)).toBe(true);
    expect(arp.arpOperation(window, 0)).toBe(arp.ARP_OPERATION.request);
    expect(arp.senderHigh(window, 0)).toBe(0x0200);
    expect(arp.senderLow(window, 0)).toBe(1);
    expect(arp.senderAddress(window, 0)).toBe(0x0a00_0001);
    expect(arp.targetAddress(window, 0)).toBe(0x0a00_0002);
    expect([arp.targetHigh(window, 0), arp.targetLow(window, 0)]).toEqual([0, 0]);
  });

  test("an IPv4 header as Linux writes it", () => {
    const window = windowOfHex("4500 0054 1c46 4000 40 01 0a61 0a000001 0a000002");
    expect(ipv4.ipv4Fits(window, 0, 20)).toBe(true);
    expect(ipv4.headerBytes(window, 0)).toBe(20);
    expect(ipv4.totalBytes(window, 0)).toBe(84);
    expect(ipv4.identification(window, 0)).toBe(0x1c46);
    expect(ipv4.isFragment(window, 0)).toBe(false);
    expect(ipv4.timeToLive(window, 0)).toBe(64);
    expect(ipv4.ipProtocol(window, 0)).toBe(ipv4.PROTOCOLS.icmp);
    expect(ipv4.ipSource(window, 0)).toBe(0x0a00_0001);
    expect(ipv4.ipDestination(window, 0)).toBe(0x0a00_0002);
    expect(ipv4.ipChecksum(window, 0)).toBe(0x0a61);
    expect(window.checksum(0, 20, 0)).toBe(0xffff);
  });
});

test("what is written is what is read", () => {
  const word = fc.nat(0xffff);
  const long = fc.nat(0xffff_ffff);
  fc.assert(
    fc.property(word, long, word, long, (a, b, c, d) => {
      const window = makeWindow(64);
      ethernet.setDestination(window, 3, a, b);
      ethernet.setSource(window, 3, c, d);
      ethernet.setEtherType(window, 3, a);
      expect([ethernet.destinationHigh(window, 3), ethernet.destinationLow(window, 3)]).toEqual([a, b]);
      expect([ethernet.sourceHigh(window, 3), ethernet.sourceLow(window, 3)]).toEqual([c, d]);
      expect(ethernet.etherType(window, 3)).toBe(a);
      arp.setArp(window, 3, 2);
      arp.setArpSender(window, 3, a, b, d);
      arp.setArpTarget(window, 3, c, d, b);
      expect([arp.senderHigh(window, 3), arp.senderLow(window, 3), arp.senderAddress(window, 3)]).toEqual([
        a,
        b,
        d,
      ]);
      expect([arp.targetHigh(window, 3), arp.targetLow(window, 3), arp.targetAddress(window, 3)]).toEqual([
        c,
        d,
        b,
      ]);
      udp.setUdpPorts(window, 3, a, c);
      udp.setUdpLength(window, 3, c, a);
      expect([udp.udpSourcePort(window, 3), udp.udpDestinationPort(window, 3)]).toEqual([a, c]);
      expect([udp.udpBytes(window, 3), udp.udpChecksum(window, 3)]).toEqual([c, a]);
      icmp.setIcmp(window, 3, 8, 1, a);
      icmp.setIcmpRest(window, 3, c, a);
      expect([icmp.icmpType(window, 3), icmp.icmpCode(window, 3), icmp.icmpChecksum(window, 3)]).toEqual([
        8,
        1,
        a,
      ]);
      expect([icmp.icmpIdentifier(window, 3), icmp.icmpSequence(window, 3)]).toEqual([c, a]);
    }),
  );
});

/** Every check and the readers behind it: no layout may read past its length. */
const LAYOUTS: readonly (readonly [
  string,
  (window: Window, length: number) => boolean,
  readonly ((w: Window, at: number) => unknown)[],
])[] = [
  [
    "ethernet",
    (_, length) => ethernet.ethernetFits(length),
    [
      ethernet.destinationHigh,
      ethernet.destinationLow,
      ethernet.sourceHigh,
      ethernet.sourceLow,
      ethernet.etherType,
    ],
  ],
  [
    "arp",
    (window, length) => arp.isArp(window, 0, length),
    [
      arp.arpOperation,
      arp.senderHigh,
      arp.senderLow,
      arp.senderAddress,
      arp.targetHigh,
      arp.targetLow,
      arp.targetAddress,
    ],
  ],
  [
    "ipv4",
    (window, length) => ipv4.ipv4Fits(window, 0, length),
    [
      ipv4.headerBytes,
      ipv4.totalBytes,
      ipv4.identification,
      ipv4.isFragment,
      ipv4.timeToLive,
      ipv4.ipProtocol,
      ipv4.ipChecksum,
      ipv4.ipSource,
      ipv4.ipDestination,
    ],
  ],
  [
    "icmp",
    (_, length) => icmp.icmpFits(length),
    [icmp.icmpType, icmp.icmpCode, icmp.icmpChecksum, icmp.icmpIdentifier, icmp.icmpSequence],
  ],
  [
    "udp",
    (_, length) => udp.udpFits(length),
    [udp.udpSourcePort, udp.udpDestinationPort, udp.udpBytes, udp.udpChecksum],
  ],
];

test.each(LAYOUTS)(
  "%s: after its check no reader leaves the bytes, and the check itself never does",
  (_, fits, readers) => {
    const start = fc.constantFrom([], [0x45], [0x4f], [0, 1, 8, 0, 6, 4]);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 64 }), (prefix, rest) => {
        const window = windowOf([...prefix, ...rest]);
        if (!fits(window, window.length)) return;
        for (const reader of readers) reader(window, 0);
      }),
    );
  },
);

test.each([0, 1, 13])("%i bytes are no header", (length) => {
  const window = makeWindow(length);
  expect(ethernet.ethernetFits(length)).toBe(false);
  expect(ipv4.ipv4Fits(window, 0, length)).toBe(false);
  expect(arp.isArp(window, 0, length)).toBe(false);
});
