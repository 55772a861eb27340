import { describe, expect, test } from "vitest";
import { parseIpv6 } from "../../expression/address.ts";
import { tagged } from "../../testing/packets.ts";
import { ipv6, ipv6Packet, neighbourPacket } from "../../testing/packets-ipv6.ts";
import { mustVerify } from "../../testing/verify.ts";
import { compileFilter } from "../compile.ts";
import { interpretFilter } from "../interpret.ts";
import type { Filter } from "../term.ts";
import { inVlan } from "./ethernet.ts";
import { ipv6To } from "./ipv6.ts";
import { neighbourFrom, solicitationFor, solicitedNode } from "./neighbour.ts";

const OURS = ipv6(1);
const OTHER = ipv6(9);
const NOBODY = parseIpv6("::");
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOURCE_OPTION = [1, 1] as const;
const TARGET_OPTION = [2, 1] as const;

function accepts(filter: Filter, frame: Uint8Array): boolean {
  const verified = mustVerify(filter);
  const expected = interpretFilter(verified, frame, 0, frame.length);
  expect(compileFilter(verified)(frame, 0, frame.length)).toBe(expected);
  return expected;
}

describe("solicitedNode", () => {
  test("is the group of the last 24 bits", () => {
    expect(solicitedNode(parseIpv6("4037::01:800:200e:8c6c"))).toEqual(parseIpv6("ff02::1:ff0e:8c6c"));
    expect(solicitedNode(parseIpv6("::ffff:ffff"))).toEqual(parseIpv6("ff02::1:ffff:ffff"));
    const asked = ipv6Packet({ destination: solicitedNode(OURS) });
    expect(accepts(ipv6To({ destination: solicitedNode(OURS) }), asked)).toBe(true);
  });
});

describe("solicitationFor", () => {
  const filter = solicitationFor(OURS);
  const question = neighbourPacket(SOLICITATION, OURS, SOURCE_OPTION, { source: ipv6(2) });

  test("takes questions about an address and nothing else", () => {
    expect(accepts(filter, question)).toBe(true);
    expect(accepts(filter, neighbourPacket(SOLICITATION, OURS, undefined, { source: NOBODY }))).toBe(true);
    expect(accepts(filter, neighbourPacket(SOLICITATION, OTHER, SOURCE_OPTION))).toBe(false);
    expect(accepts(filter, neighbourPacket(ADVERTISEMENT, OURS, SOURCE_OPTION))).toBe(false);
    expect(accepts(filter, question.with(55, 1))).toBe(false);
    expect(accepts(filter, ipv6Packet())).toBe(false);
    expect(accepts(filter, question.slice(0, 77))).toBe(false);
    expect(accepts(inVlan(5, filter), tagged(question, 5))).toBe(true);
  });

  test("takes none that a router passed on", () => {
    expect(accepts(filter, question.with(21, 254))).toBe(false);
  });
});

describe("neighbourFrom", () => {
  const filters = neighbourFrom({ hardwareAddress: [2, 0, 0, 0, 0, 1], address: OURS });
  const allows = (frame: Uint8Array): boolean => filters.some((filter) => accepts(filter, frame));
  const bytesFrom = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => from + i);

  const question = neighbourPacket(SOLICITATION, OTHER, SOURCE_OPTION);
  const answer = neighbourPacket(ADVERTISEMENT, OURS, TARGET_OPTION);
  const probe = neighbourPacket(SOLICITATION, OURS, undefined, {
    source: NOBODY,
    destination: solicitedNode(OURS),
  });

  test("accepts honest questions, answers and probes", () => {
    expect([question, answer, probe].map(allows)).toEqual([true, true, true]);
    expect(allows(neighbourPacket(SOLICITATION, OURS, SOURCE_OPTION))).toBe(true);
    expect(allows(answer.with(58, 0xe0))).toBe(true);
  });

  // Ethernet source, payload length, next header, IPv6 source, type and code, option with its address.
  const PINNED = [...bytesFrom(6, 6), 14, 18, 19, 20, ...bytesFrom(22, 16), 54, 55, ...bytesFrom(78, 8)];
  test.each([
    ["a question", question, PINNED],
    ["an answer", answer, [...PINNED, ...bytesFrom(62, 16)]],
    [
      "a probe",
      probe,
      [...bytesFrom(6, 6), 14, 18, 19, 20, ...bytesFrom(22, 16), 54, 55, ...bytesFrom(62, 16)],
    ],
  ] as const)(
    "refuses %s in which any bit of who it is from, or of what it claims, differs",
    (_what, frame, at) => {
      expect(allows(frame)).toBe(true);
      for (const byte of at)
        for (let bit = byte === 14 ? 16 : 1; bit < 256; bit *= 2)
          expect([byte, bit, allows(frame.with(byte, (frame[byte] ?? 0) ^ bit))]).toEqual([byte, bit, false]);
    },
  );

  test("refuses answers for others, and at others", () => {
    expect(allows(neighbourPacket(ADVERTISEMENT, OTHER, TARGET_OPTION))).toBe(false);
    expect(allows(neighbourPacket(ADVERTISEMENT, OURS, [2, 9]))).toBe(false);
    expect(allows(neighbourPacket(ADVERTISEMENT, OURS, TARGET_OPTION, { source: OTHER }))).toBe(false);
    expect(allows(neighbourPacket(ADVERTISEMENT, OURS, undefined))).toBe(false);
    expect(allows(neighbourPacket(SOLICITATION, OURS, [1, 9]))).toBe(false);
  });

  test("refuses probes for others, and probes that bring an address", () => {
    expect(allows(neighbourPacket(SOLICITATION, OTHER, undefined, { source: NOBODY }))).toBe(false);
    expect(allows(neighbourPacket(SOLICITATION, OURS, SOURCE_OPTION, { source: NOBODY }))).toBe(false);
    expect(allows(neighbourPacket(ADVERTISEMENT, OURS, TARGET_OPTION, { source: NOBODY }))).toBe(false);
  });

  test("refuses a second option, which could say otherwise", () => {
    const twice = Uint8Array.from([...answer, 2, 1, 2, 0, 0, 0, 0, 9]);
    expect(allows(twice)).toBe(true); // eight bytes of padding behind the packet
    expect(allows(twice.with(19, 40))).toBe(false);
  });

  test("refuses what routers send, and everything behind an extension header", () => {
    for (const type of [133, 134, 137])
      expect(allows(neighbourPacket(type, OURS, SOURCE_OPTION))).toBe(false);
    for (const number of [0, 43, 44, 60])
      expect(allows(neighbourPacket(ADVERTISEMENT, OURS, TARGET_OPTION, { headers: [{ number }] }))).toBe(
        false,
      );
  });
});
