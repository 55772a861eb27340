import { describe, expect, test } from "vitest";
import { parseIpv6 } from "../../expression/address.ts";
import { ipv4Packet, tagged } from "../../testing/packets.ts";
import { type Packet6Fields, ipv6, ipv6Packet, neighbourPacket } from "../../testing/packets-ipv6.ts";
import { mustVerify } from "../../testing/verify.ts";
import { compileFilter } from "../compile.ts";
import { interpretFilter } from "../interpret.ts";
import type { Filter } from "../term.ts";
import { inVlan } from "./ethernet.ts";
import { EXTENSION_CHAINS, icmp6To, ipv6From, ipv6To, tcp6To, udp6To } from "./ipv6.ts";

const OURS = ipv6(2);
const THEIRS = ipv6(1);
const TCP = 6;
const UDP = 17;
const ICMP6 = 58;
const NUMBERS = { "hop-by-hop": 0, routing: 43, fragment: 44, destination: 60 };

function accepts(filter: Filter, frame: Uint8Array): boolean {
  const verified = mustVerify(filter);
  const expected = interpretFilter(verified, frame, 0, frame.length);
  expect(compileFilter(verified)(frame, 0, frame.length)).toBe(expected);
  return expected;
}

describe("ipv6To", () => {
  test("looks at type, version and destination", () => {
    const filter = ipv6To({ destination: OURS });
    expect(accepts(filter, ipv6Packet())).toBe(true);
    expect(accepts(filter, ipv6Packet({ destination: THEIRS }))).toBe(false);
    expect(accepts(filter, ipv6Packet().with(14, 0x40))).toBe(false);
    expect(accepts(filter, ipv6Packet().with(14, 0x6f))).toBe(true);
    expect(accepts(filter, ipv6Packet().with(13, 0))).toBe(false);
    expect(accepts(filter, ipv4Packet())).toBe(false);
    for (let at = 38; at < 54; at++) {
      const frame = ipv6Packet();
      expect(accepts(filter, frame.with(at, (frame[at] ?? 0) ^ 0x80))).toBe(false);
    }
  });

  test("looks at protocol and source if asked to", () => {
    const filter = ipv6To({ destination: OURS, protocol: UDP, source: THEIRS });
    expect(accepts(filter, ipv6Packet({ protocol: UDP }))).toBe(true);
    expect(accepts(filter, ipv6Packet({ protocol: TCP }))).toBe(false);
    expect(accepts(filter, ipv6Packet({ protocol: UDP, source: ipv6(3) }))).toBe(false);
  });

  test("takes addresses with every bit set", () => {
    const destination = parseIpv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    expect(accepts(ipv6To({ destination }), ipv6Packet({ destination }))).toBe(true);
    expect(accepts(ipv6To({ destination }), ipv6Packet())).toBe(false);
  });
});

describe.each([
  ["tcp6To", tcp6To, TCP, UDP],
  ["udp6To", udp6To, UDP, TCP],
] as const)("%s", (_name, build, protocol, other) => {
  const filter = build({ destination: OURS, port: 53 });

  test("looks at protocol, destination and port", () => {
    expect(accepts(filter, ipv6Packet({ protocol, port: 53 }))).toBe(true);
    expect(accepts(filter, ipv6Packet({ protocol: other, port: 53 }))).toBe(false);
    expect(accepts(filter, ipv6Packet({ protocol, port: 54 }))).toBe(false);
    expect(accepts(filter, ipv6Packet({ protocol, port: 53, destination: THEIRS }))).toBe(false);
    expect(accepts(filter, tagged(ipv6Packet({ protocol, port: 53 }), 5))).toBe(false);
    expect(accepts(inVlan(5, filter), tagged(ipv6Packet({ protocol, port: 53 }), 5))).toBe(true);
  });

  test("takes every port if none is given", () => {
    expect(accepts(build({ destination: OURS }), ipv6Packet({ protocol, port: 9 }))).toBe(true);
    expect(accepts(build({ destination: OURS }), ipv6Packet({ protocol: other, port: 9 }))).toBe(false);
  });

  test("can name both ends of a conversation", () => {
    const connection = build({ destination: OURS, port: 53, source: THEIRS, sourcePort: 1000 });
    expect(accepts(connection, ipv6Packet({ protocol, port: 53, sourcePort: 1000 }))).toBe(true);
    expect(accepts(connection, ipv6Packet({ protocol, port: 53, sourcePort: 1001 }))).toBe(false);
    expect(accepts(connection, ipv6Packet({ protocol, port: 53, sourcePort: 1000, source: OURS }))).toBe(
      false,
    );
  });

  test("takes no frame that is cut off, and no packet with extension headers", () => {
    const frame = ipv6Packet({ protocol, port: 53 });
    for (const length of [0, 14, 20, 53, 57]) expect(accepts(filter, frame.slice(0, length))).toBe(false);
    expect(accepts(filter, frame.slice(0, 58))).toBe(true);
    for (const number of Object.values(NUMBERS))
      expect(accepts(filter, ipv6Packet({ protocol, port: 53, headers: [{ number }] }))).toBe(false);
  });
});

describe("icmp6To", () => {
  const echo = ipv6Packet({ protocol: ICMP6, sourcePort: 0x8000 });

  test("looks at the destination, and at type and source if asked to", () => {
    expect(accepts(icmp6To({ destination: OURS }), echo)).toBe(true);
    expect(accepts(icmp6To({ destination: OURS, type: 128 }), echo)).toBe(true);
    expect(accepts(icmp6To({ destination: OURS, type: 129 }), echo)).toBe(false);
    expect(accepts(icmp6To({ destination: OURS, source: ipv6(3) }), echo)).toBe(false);
    expect(accepts(icmp6To({ destination: THEIRS }), echo)).toBe(false);
    expect(accepts(icmp6To({ destination: OURS }), ipv6Packet())).toBe(false);
  });
});

describe("extension headers", () => {
  const packetBehind = (chain: (typeof EXTENSION_CHAINS)[number], length: number, fields?: Packet6Fields) =>
    ipv6Packet({
      ...fields,
      headers: chain.map((name) => ({
        number: NUMBERS[name],
        length: name === "fragment" ? 8 : length,
        more: true,
      })),
    });

  test("come in the orders of RFC 8200, none of them twice", () => {
    expect(EXTENSION_CHAINS).toHaveLength(24);
    expect(EXTENSION_CHAINS[0]).toEqual([]);
    expect(new Set(EXTENSION_CHAINS.map((chain) => chain.join()))).toHaveLength(24);
    expect(EXTENSION_CHAINS).toContainEqual([
      "hop-by-hop",
      "destination",
      "routing",
      "fragment",
      "destination",
    ]);
    expect(
      Object.isFrozen(EXTENSION_CHAINS) && EXTENSION_CHAINS.every((chain) => Object.isFrozen(chain)),
    ).toBe(true);
  });

  test.each(EXTENSION_CHAINS.map((chain) => [chain.join(", ") || "none", chain] as const))(
    "%s: just that filter passes them, whatever their lengths",
    (_name, chain) => {
      const filters = EXTENSION_CHAINS.map((behind) => tcp6To({ destination: OURS, port: 80, behind }));
      for (const length of [8, 16, 2048]) {
        const frame = packetBehind(chain, length);
        expect(filters.map((filter) => accepts(filter, frame))).toEqual(
          EXTENSION_CHAINS.map((other) => other === chain),
        );
        const filter = tcp6To({ destination: OURS, port: 80, behind: chain });
        expect(accepts(filter, packetBehind(chain, length, { port: 81 }))).toBe(false);
        expect(accepts(filter, packetBehind(chain, length, { protocol: UDP }))).toBe(false);
        expect(accepts(filter, frame.slice(0, -17))).toBe(false);
      }
    },
  );

  test("a filter without ports asks for the protocol alone", () => {
    const behind = ["hop-by-hop", "destination"] as const;
    const filter = udp6To({ destination: OURS, behind });
    expect(accepts(filter, packetBehind(behind, 24, { protocol: UDP, port: 7 }))).toBe(true);
    expect(accepts(filter, packetBehind(behind, 24, { protocol: TCP, port: 7 }))).toBe(false);
    expect(accepts(filter, packetBehind(["hop-by-hop"], 24, { protocol: UDP }))).toBe(false);
  });

  test("of fragments only the first has ports", () => {
    for (const behind of [["fragment"], ["hop-by-hop", "fragment"]] as const) {
      const filter = tcp6To({ destination: OURS, port: 80, behind });
      const at = behind.map((name) => ({ number: NUMBERS[name], more: true }));
      expect(accepts(filter, ipv6Packet({ headers: at }))).toBe(true);
      expect(accepts(filter, ipv6Packet({ headers: at.map((header) => ({ ...header, offset: 1 })) }))).toBe(
        false,
      );
    }
  });
});

describe("ipv6From", () => {
  const sender = { hardwareAddress: [2, 0, 0, 0, 0, 1], address: THEIRS };
  const filters = ipv6From(sender);
  const allows = (frame: Uint8Array): boolean => filters.some((filter) => accepts(filter, frame));

  test("accepts TCP, UDP, echo and errors of the sender's own", () => {
    expect(allows(ipv6Packet())).toBe(true);
    expect(allows(ipv6Packet({ protocol: UDP }))).toBe(true);
    for (const type of [1, 2, 3, 4, 127, 128, 129])
      expect(allows(ipv6Packet({ protocol: ICMP6, payload: [type, 0, 0, 0] }))).toBe(true);
  });

  test.each([TCP, UDP, ICMP6])("refuses protocol %i with another source", (protocol) => {
    const honest = ipv6Packet({ protocol, sourcePort: 0x8000 });
    expect(allows(honest)).toBe(true);
    for (const at of [6, 7, 8, 9, 10, 11, ...Array.from({ length: 16 }, (_, i) => 22 + i)])
      expect(allows(honest.with(at, (honest[at] ?? 0) ^ 1))).toBe(false);
  });

  test("refuses every message that can claim an address: RFC 4861 and whatever else is no echo", () => {
    for (let type = 130; type < 256; type++) {
      expect(allows(ipv6Packet({ protocol: ICMP6, payload: [type, 0, 0, 0] }))).toBe(false);
      expect(allows(neighbourPacket(type, ipv6(9), [2, 1]))).toBe(false);
    }
  });

  test("refuses all other protocols, behind which such a message could stand", () => {
    for (let protocol = 0; protocol < 256; protocol++) {
      const isOurs = protocol === TCP || protocol === UDP || protocol === ICMP6;
      expect(allows(ipv6Packet({ protocol, payload: [128, 0, 0, 0] }))).toBe(isOurs);
    }
    for (const number of Object.values(NUMBERS))
      expect(allows(neighbourPacket(136, ipv6(9), [2, 1], { headers: [{ number }] }))).toBe(false);
  });
});
