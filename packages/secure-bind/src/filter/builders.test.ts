import { describe, expect, test } from "vitest";
import { arp, arpFor, arpFrom, etherType, icmpTo, ipv4From, ipv4To, tcpTo, udpTo } from "./builders.ts";
import { compileFilter } from "./compile.ts";
import { interpretFilter } from "./interpret.ts";
import type { Filter } from "./term.ts";
import { FILTER_TERMS, verifyFilter } from "./verify.ts";
import { ARP_REQUEST, ipv4, ipv4Packet } from "../testing/packets.ts";
import { mustVerify } from "../testing/verify.ts";

const OURS = ipv4(10, 0, 0, 2);
const THEIRS = ipv4(10, 0, 0, 1);
const MORE_FRAGMENTS = 0x2000;
const TCP = 6;
const UDP = 17;
const ICMP = 1;

function accepts(filter: Filter, frame: Uint8Array): boolean {
  const verified = mustVerify(filter);
  const expected = interpretFilter(verified, frame, 0, frame.length);
  expect(compileFilter(verified)(frame, 0, frame.length)).toBe(expected);
  return expected;
}

const changed = (frame: Uint8Array, at: number, value: number): Uint8Array => frame.with(at, value);

test("variable IHL TCP filter matches both 20- and 24-byte headers; type-checks at insert; >256 elems refused", () => {
  const http = tcpTo({ destination: OURS, port: 80 });
  for (let options = 0; options <= 40; options += 4) {
    expect(accepts(http, ipv4Packet({ options }))).toBe(true);
    expect(accepts(http, ipv4Packet({ options, port: 81 }))).toBe(false);
  }
  expect(verifyFilter([...http, { kind: "equal", at: "0" }])).toMatchObject({
    rule: "BadOffset",
    term: http.length,
  });
  const long = Array.from({ length: FILTER_TERMS + 1 }, () => etherType(0x0800)[0]);
  expect(verifyFilter(long)).toMatchObject({ rule: "TooLong" });
});

describe("etherType", () => {
  test("looks at the type alone", () => {
    expect(accepts(etherType(0x0806), ARP_REQUEST)).toBe(true);
    expect(accepts(etherType(0x0800), ARP_REQUEST)).toBe(false);
  });
});

describe("arp", () => {
  test("takes ARP for IPv4 over Ethernet and nothing else", () => {
    expect(accepts(arp(), ARP_REQUEST)).toBe(true);
    expect(accepts(arp(), changed(ARP_REQUEST, 15, 6))).toBe(false);
    expect(accepts(arp(), changed(ARP_REQUEST, 19, 16))).toBe(false);
    expect(accepts(arp(), ipv4Packet())).toBe(false);
  });

  test("for an address looks at the target", () => {
    expect(accepts(arpFor(OURS), ARP_REQUEST)).toBe(true);
    expect(accepts(arpFor(THEIRS), ARP_REQUEST)).toBe(false);
    expect(accepts(arpFor(OURS), changed(ARP_REQUEST, 21, 2))).toBe(true);
  });
});

describe("ipv4To", () => {
  test("looks at the destination, fragments included", () => {
    expect(accepts(ipv4To({ destination: OURS }), ipv4Packet())).toBe(true);
    expect(accepts(ipv4To({ destination: OURS }), ipv4Packet({ fragment: 7 }))).toBe(true);
    expect(accepts(ipv4To({ destination: THEIRS }), ipv4Packet())).toBe(false);
    expect(accepts(ipv4To({ destination: OURS }), changed(ipv4Packet(), 14, 0x65))).toBe(false);
  });

  test("looks at protocol and source if asked to", () => {
    const filter = ipv4To({ destination: OURS, protocol: UDP, source: THEIRS });
    expect(accepts(filter, ipv4Packet({ protocol: UDP }))).toBe(true);
    expect(accepts(filter, ipv4Packet({ protocol: TCP }))).toBe(false);
    expect(accepts(filter, ipv4Packet({ protocol: UDP, source: OURS }))).toBe(false);
  });

  test("takes addresses above 127.255.255.255", () => {
    const destination = ipv4(203, 0, 113, 9);
    expect(accepts(ipv4To({ destination }), ipv4Packet({ destination }))).toBe(true);
    expect(accepts(ipv4To({ destination }), ipv4Packet())).toBe(false);
  });
});

describe.each([
  ["tcpTo", tcpTo, TCP, UDP],
  ["udpTo", udpTo, UDP, TCP],
] as const)("%s", (_name, build, protocol, other) => {
  const filter = build({ destination: OURS, port: 53 });

  test("looks at protocol, destination and port", () => {
    expect(accepts(filter, ipv4Packet({ protocol, port: 53 }))).toBe(true);
    expect(accepts(filter, ipv4Packet({ protocol: other, port: 53 }))).toBe(false);
    expect(accepts(filter, ipv4Packet({ protocol, port: 54 }))).toBe(false);
    expect(accepts(filter, ipv4Packet({ protocol, port: 53, destination: THEIRS }))).toBe(false);
  });

  test("takes every port if none is given", () => {
    expect(accepts(build({ destination: OURS }), ipv4Packet({ protocol, port: 9 }))).toBe(true);
    expect(accepts(build({ destination: OURS }), ipv4Packet({ protocol: other, port: 9 }))).toBe(false);
  });

  test("can name both ends of a conversation", () => {
    const connection = build({ destination: OURS, port: 53, source: THEIRS, sourcePort: 1000 });
    expect(accepts(connection, ipv4Packet({ protocol, port: 53, sourcePort: 1000, options: 8 }))).toBe(true);
    expect(accepts(connection, ipv4Packet({ protocol, port: 53, sourcePort: 1001 }))).toBe(false);
    expect(accepts(connection, ipv4Packet({ protocol, port: 53, sourcePort: 1000, source: OURS }))).toBe(
      false,
    );
  });

  test("takes the first fragment and no later one, which has no ports", () => {
    expect(accepts(filter, ipv4Packet({ protocol, port: 53, fragment: MORE_FRAGMENTS }))).toBe(true);
    expect(accepts(filter, ipv4Packet({ protocol, port: 53, fragment: MORE_FRAGMENTS | 185 }))).toBe(false);
    expect(accepts(filter, ipv4Packet({ protocol, port: 53, fragment: 185 }))).toBe(false);
    expect(accepts(build({ destination: OURS }), ipv4Packet({ protocol, fragment: 185 }))).toBe(false);
  });

  test("refuses a frame cut off before the port", () => {
    expect(accepts(filter, ipv4Packet({ protocol, port: 53, options: 4 }).slice(0, 41))).toBe(false);
    expect(accepts(filter, new Uint8Array(0))).toBe(false);
  });
});

describe("icmpTo", () => {
  const echo = ipv4Packet({ protocol: ICMP, sourcePort: 0x0800, options: 4 });

  test("looks at the destination, and at the type if asked to", () => {
    expect(accepts(icmpTo({ destination: OURS }), echo)).toBe(true);
    expect(accepts(icmpTo({ destination: OURS, type: 8 }), echo)).toBe(true);
    expect(accepts(icmpTo({ destination: OURS, type: 0 }), echo)).toBe(false);
    expect(accepts(icmpTo({ destination: THEIRS }), echo)).toBe(false);
    expect(accepts(icmpTo({ destination: OURS }), ipv4Packet())).toBe(false);
  });
});

describe("filters of a sender", () => {
  const sender = { hardwareAddress: [2, 0, 0, 0, 0, 1], address: THEIRS };

  test("accept the sender's own packets", () => {
    expect(accepts(ipv4From(sender), ipv4Packet({ options: 4 }))).toBe(true);
    expect(accepts(arpFrom(sender), ARP_REQUEST)).toBe(true);
    expect(accepts(ipv4From(sender), ARP_REQUEST)).toBe(false);
    expect(accepts(arpFrom(sender), ipv4Packet())).toBe(false);
  });

  const SOURCES = [6, 7, 8, 9, 10, 11];
  test.each([...SOURCES, 26, 27, 28, 29])("refuse an IPv4 packet with another octet at %i", (at) => {
    const honest = ipv4Packet();
    expect(accepts(ipv4From(sender), changed(honest, at, (honest[at] ?? 0) ^ 1))).toBe(false);
  });

  test.each([...SOURCES, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31])(
    "refuse an ARP packet with another octet at %i",
    (at) => {
      expect(accepts(arpFrom(sender), changed(ARP_REQUEST, at, (ARP_REQUEST[at] ?? 0) ^ 1))).toBe(false);
    },
  );
});
