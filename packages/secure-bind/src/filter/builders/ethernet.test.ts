import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryFilter } from "../../testing/arbitrary.ts";
import { ARP_REQUEST, ipv4, ipv4Packet, tagged } from "../../testing/packets.ts";
import { mustVerify } from "../../testing/verify.ts";
import { compileFilter } from "../compile.ts";
import { interpretFilter } from "../interpret.ts";
import { type Filter, equal, shift, skip } from "../term.ts";
import { verifyFilter } from "../verify.ts";
import { arpFor, arpFrom } from "./arp.ts";
import { VLAN_TAG, etherType, inVlan } from "./ethernet.ts";
import { ipv4From, tcpTo } from "./ipv4.ts";

const OURS = ipv4(10, 0, 0, 2);
const http = tcpTo({ destination: OURS, port: 80 });
const sender = { hardwareAddress: [2, 0, 0, 0, 0, 1], address: ipv4(10, 0, 0, 1) };

function accepts(filter: Filter, frame: Uint8Array): boolean {
  const verified = mustVerify(filter);
  const expected = interpretFilter(verified, frame, 0, frame.length);
  expect(compileFilter(verified)(frame, 0, frame.length)).toBe(expected);
  return expected;
}

describe("inVlan", () => {
  test.each([0, 4, 40])("moves a filter by a tag, with %i bytes of IPv4 options behind it", (options) => {
    const packet = ipv4Packet({ options });
    expect(accepts(inVlan(5, http), tagged(packet, 5))).toBe(true);
    expect(accepts(inVlan(5, http), tagged(ipv4Packet({ options, port: 81 }), 5))).toBe(false);
    expect(accepts(inVlan(5, http), tagged(packet, 6))).toBe(false);
    expect(accepts(inVlan("any", http), tagged(packet, 6))).toBe(true);
  });

  test("asks for the tag", () => {
    expect(accepts(inVlan("any", http), ipv4Packet())).toBe(false);
    expect(accepts(http, tagged(ipv4Packet(), 5))).toBe(false);
    expect(accepts(inVlan(5, http), tagged(ipv4Packet(), 5, 0x88a8))).toBe(false);
    expect(accepts(inVlan(5, http, 0x88a8), tagged(ipv4Packet(), 5, 0x88a8))).toBe(true);
    expect(VLAN_TAG).toBe(0x8100);
  });

  test("looks at all twelve bits of the identifier and at no other", () => {
    for (const id of [0, 1, 0x800, 0xfff]) {
      expect(accepts(inVlan(id, []), tagged(ipv4Packet(), id))).toBe(true);
      expect(accepts(inVlan(id, []), tagged(ipv4Packet(), id ^ 0x800))).toBe(false);
      expect(accepts(inVlan(id, []), tagged(ipv4Packet(), id).with(14, id >>> 8))).toBe(true);
    }
    expect(verifyFilter(inVlan(0x1000, []))).toMatchObject({ rule: "BadValue" });
    expect(verifyFilter(inVlan(-1, []))).toMatchObject({ rule: "BadValue" });
  });

  test("leaves Ethernet addresses where they are", () => {
    for (const [filter, frame] of [
      [ipv4From(sender), ipv4Packet()],
      [arpFrom(sender), ARP_REQUEST],
    ] as const) {
      const inside = inVlan(5, filter);
      expect(accepts(inside, tagged(frame, 5))).toBe(true);
      for (let at = 6; at < 12; at++) expect(accepts(inside, tagged(frame, 5).with(at, 9))).toBe(false);
    }
    expect(accepts(inVlan(5, arpFor(OURS)), tagged(ARP_REQUEST, 5))).toBe(true);
  });

  test("goes into another VLAN", () => {
    const stacked = inVlan(7, inVlan(5, ipv4From(sender)), 0x88a8);
    expect(accepts(stacked, tagged(tagged(ipv4Packet(), 5), 7, 0x88a8))).toBe(true);
    expect(accepts(stacked, tagged(tagged(ipv4Packet(), 7), 5, 0x88a8))).toBe(false);
    expect(accepts(stacked, tagged(tagged(ipv4Packet(), 5), 7, 0x88a8).with(11, 9))).toBe(false);
    expect(accepts(stacked, tagged(ipv4Packet(), 7, 0x88a8))).toBe(false);
  });

  test("takes no frame that is cut off", () => {
    const frame = tagged(ipv4Packet(), 5);
    for (const length of [0, 12, 14, 15, 17, 33, 41])
      expect(accepts(inVlan(5, http), frame.slice(0, length))).toBe(false);
    expect(accepts(inVlan(5, http), frame.slice(0, 42))).toBe(true);
  });

  test("takes a filter apart at skips as well", () => {
    const skips: Filter = [skip(6), equal(0, 4, 0x0200_0000), skip(6), equal(0, 2, 0x0800)];
    expect(accepts(skips, ipv4Packet())).toBe(true);
    expect(accepts(inVlan(5, skips), tagged(ipv4Packet(), 5))).toBe(true);
    expect(accepts(inVlan(5, skips), tagged(ARP_REQUEST, 5))).toBe(false);
  });

  test.each([
    ["a field that begins in the addresses and ends in the type", [equal(10, 4, 0)]],
    ["an address that moves the base", [shift(6, 1, 0xff, 0)]],
    [
      "an address behind the condition on fragments",
      [...tcpTo({ destination: OURS, port: 80, fragments: true }).slice(0, 5), equal(0, 4, 0)],
    ],
  ] as const)("refuses %s", (_what, filter) => {
    expect(() => inVlan(5, filter)).toThrow(RangeError);
  });

  test("accepts the tagged frame if and only if the filter accepts the plain one", () => {
    const behind = fc.uint8Array({ minLength: 0, maxLength: 12, max: 3 });
    const addresses = fc.uint8Array({ minLength: 12, maxLength: 12, max: 3 });
    let both = 0;
    fc.assert(
      fc.property(arbitraryFilter(4, 3), addresses, behind, fc.nat(0xfff), (terms, link, rest, id) => {
        const filter = [equal(0, 1, link[0] ?? 0, 3), skip(12), ...terms];
        const frame = Uint8Array.from([...link, ...rest]);
        const expected = accepts(filter, frame);
        expect(accepts(inVlan(id, filter), tagged(frame, id))).toBe(expected);
        expect(accepts(inVlan("any", filter), tagged(frame, id))).toBe(expected);
        both += Number(expected);
      }),
      { numRuns: 2000 },
    );
    expect(both).toBeGreaterThan(20);
  });
});

test("etherType looks at the type of a tagged frame: the tag", () => {
  expect(accepts(etherType(VLAN_TAG), tagged(ipv4Packet(), 5))).toBe(true);
});
