import { describe, expect, test } from "vitest";
import { ipv4, ipv4Packet, tagged } from "../../testing/packets.ts";
import { type ExtensionFields, type Packet6Fields, ipv6, ipv6Packet } from "../../testing/packets-ipv6.ts";
import { mustVerify } from "../../testing/verify.ts";
import { compileFilter } from "../compile.ts";
import { makeDemultiplexer } from "../demultiplexer.ts";
import { interpretFilter } from "../interpret.ts";
import type { Filter } from "../term.ts";
import { inVlan } from "./ethernet.ts";
import { icmpTo, ipv4To, tcpTo, udpTo } from "./ipv4.ts";
import { EXTENSION_CHAINS, icmp6To, ipv6To, tcp6To, udp6To } from "./ipv6.ts";

/** What a filter says of frames one after the other: the interpreter, the compiled filter, and a demultiplexer. */
function acceptsAll(filter: Filter, frames: readonly Uint8Array[]): boolean[] {
  const verified = mustVerify(filter);
  const seen = new Set<string>();
  const expected = frames.map((frame) => interpretFilter(verified, frame, 0, frame.length, seen));
  const compiled = compileFilter(verified);
  expect(frames.map((frame) => compiled(frame, 0, frame.length))).toEqual(expected);
  const demultiplexer = makeDemultiplexer();
  demultiplexer.insert(verified, 7);
  expect(frames.map((frame) => demultiplexer.classify(frame, 0, frame.length) === 7)).toEqual(expected);
  return expected;
}

const OURS = ipv4(10, 0, 0, 2);
const UDP = 17;
const MORE = 0x2000;

const first = ipv4Packet({ fragment: MORE, port: 53, protocol: UDP, options: 4 });
/** A later fragment: its first bytes are payload, and look like ports that nobody asked for. */
const later = ipv4Packet({ fragment: MORE | 185, port: 9999, protocol: UDP });
const last = ipv4Packet({ fragment: 370, port: 9999, protocol: UDP });

describe("over IPv4", () => {
  const filter = udpTo({ destination: OURS, port: 53, fragments: true });

  test("later fragments follow the first", () => {
    expect(acceptsAll(filter, [first, later, last])).toEqual([true, true, true]);
    expect(acceptsAll(filter, [first, last, later, last])).toEqual([true, true, true, true]);
  });

  test("later fragments without a first one match nothing", () => {
    expect(acceptsAll(filter, [later, last])).toEqual([false, false]);
    expect(acceptsAll(filter, [later, first, later])).toEqual([false, true, true]);
  });

  test("what the first does not match, the later ones do not", () => {
    const elsewhere = ipv4Packet({ fragment: MORE, port: 54, protocol: UDP });
    expect(acceptsAll(filter, [elsewhere, later, last])).toEqual([false, false, false]);
  });

  test("a whole datagram is remembered for nobody", () => {
    const datagram = ipv4Packet({ fragment: 0x4000, port: 53, protocol: UDP });
    expect(acceptsAll(filter, [datagram, later])).toEqual([true, false]);
  });

  test.each([
    ["source", { source: ipv4(10, 0, 0, 3) }],
    ["destination", { destination: ipv4(10, 0, 0, 3) }],
    ["protocol", { protocol: 6 }],
    ["identification", { identification: 0x1235 }],
  ] as const)("a later fragment with another %s belongs to another datagram", (_what, other) => {
    const stranger = ipv4Packet({ fragment: 185, protocol: UDP, ...other });
    expect(acceptsAll(filter, [first, stranger, last])).toEqual([true, false, true]);
  });

  test("tcpTo and icmpTo do as well", () => {
    const segments = [ipv4Packet({ fragment: MORE }), ipv4Packet({ fragment: 185, port: 1 })];
    expect(acceptsAll(tcpTo({ destination: OURS, port: 80, fragments: true }), segments)).toEqual([
      true,
      true,
    ]);
    expect(acceptsAll(tcpTo({ destination: OURS, port: 80 }), segments)).toEqual([true, false]);
    const echo = { protocol: 1, sourcePort: 0x0800 };
    const messages = [ipv4Packet({ ...echo, fragment: MORE }), ipv4Packet({ protocol: 1, fragment: 185 })];
    expect(acceptsAll(icmpTo({ destination: OURS, type: 8, fragments: true }), messages)).toEqual([
      true,
      true,
    ]);
    expect(acceptsAll(icmpTo({ destination: OURS, type: 0, fragments: true }), messages)).toEqual([
      false,
      false,
    ]);
  });

  test("without a port every fragment shows what it is, and nothing need be remembered", () => {
    const all = udpTo({ destination: OURS, fragments: true });
    expect(all).toEqual(ipv4To({ destination: OURS, protocol: UDP }));
    expect(acceptsAll(all, [last, later, first])).toEqual([true, true, true]);
    expect(acceptsAll(icmpTo({ destination: OURS, fragments: true }), [last])).toEqual([false]);
  });

  test("in a VLAN too", () => {
    const frames = [first, later, last].map((frame) => tagged(frame, 5));
    expect(acceptsAll(inVlan(5, filter), frames)).toEqual([true, true, true]);
    expect(acceptsAll(inVlan(6, filter), frames)).toEqual([false, false, false]);
  });

  test("each fragment goes to whom the first one went, past a shorter filter", () => {
    const demultiplexer = makeDemultiplexer();
    for (const port of [53, 54])
      demultiplexer.insert(mustVerify(udpTo({ destination: OURS, port, fragments: true })), port);
    demultiplexer.insert(mustVerify(ipv4To({ destination: OURS })), 1);
    const classify = (frame: Uint8Array): number => demultiplexer.classify(frame, 0, frame.length);
    const at = (port: number, fragment: number): Uint8Array =>
      ipv4Packet({ protocol: UDP, port, fragment, identification: port });
    expect([at(53, MORE), at(54, MORE), at(55, MORE)].map(classify)).toEqual([53, 54, 1]);
    expect([at(55, 185), at(54, 185), at(53, 185)].map(classify)).toEqual([1, 54, 53]);
  });
});

describe("over IPv6", () => {
  const filter = udp6To({ destination: ipv6(2), port: 53, behind: ["fragment"], fragments: true });
  const part = (fields: Partial<ExtensionFields>, packet?: Packet6Fields): Uint8Array =>
    ipv6Packet({ protocol: UDP, port: 53, headers: [{ number: 44, ...fields }], ...packet });
  const beginning = part({ more: true });
  const middle = part({ more: true, offset: 185 }, { port: 9999 });
  const end = part({ offset: 370 }, { port: 9999 });

  test("later fragments follow the first", () => {
    expect(acceptsAll(filter, [beginning, middle, end])).toEqual([true, true, true]);
    expect(acceptsAll(filter, [middle, end, beginning, end])).toEqual([false, false, true, true]);
    expect(acceptsAll(filter, [part({ more: true }, { port: 54 }), end])).toEqual([false, false]);
  });

  test("not without being asked to", () => {
    const firsts = udp6To({ destination: ipv6(2), port: 53, behind: ["fragment"] });
    expect(acceptsAll(firsts, [beginning, middle, end])).toEqual([true, false, false]);
  });

  test("the protocol of a later fragment may differ (RFC 8200 section 4.5)", () => {
    expect(acceptsAll(filter, [beginning, part({ offset: 185 }, { protocol: 59 })])).toEqual([true, true]);
  });

  test.each([
    ["source", {}, { source: ipv6(3) }],
    ["source, in its first word,", {}, { source: [0x3001_0db8, 0, 0, 1] }],
    ["destination", {}, { destination: ipv6(3) }],
    ["identification", { identification: 1 }, {}],
  ] as const)("a later fragment with another %s belongs to another packet", (_what, fields, packet) => {
    const stranger = part({ offset: 185, ...fields }, packet);
    expect(acceptsAll(filter, [beginning, stranger, end])).toEqual([true, false, true]);
  });

  test("an atomic fragment, first and last in one (RFC 6946), is remembered for nobody", () => {
    expect(acceptsAll(filter, [part({}), end])).toEqual([true, false]);
  });

  test("headers of any length may follow the fragment header", () => {
    const behind = ["fragment", "destination"] as const;
    const options = { number: 60, length: 24 };
    const long = ipv6Packet({ headers: [{ number: 44, more: true }, options] });
    const chained = tcp6To({ destination: ipv6(2), port: 80, behind, fragments: true });
    expect(acceptsAll(chained, [long, part({ offset: 2 }, { protocol: 60 })])).toEqual([true, true]);
  });

  test("a fragment header behind another one is passed in first fragments alone", () => {
    const behind = ["hop-by-hop", "fragment"] as const;
    const hops = { number: 0, length: 16 };
    const chained = tcp6To({ destination: ipv6(2), port: 80, behind, fragments: true });
    const frames = [0, 185].map((offset) =>
      ipv6Packet({ headers: [hops, { number: 44, more: true, offset }] }),
    );
    expect(acceptsAll(chained, frames)).toEqual([true, false]);
  });

  test("icmp6To and VLANs as well; and all chains together take each packet once", () => {
    const pieces = [
      part({ more: true }, { protocol: 58, sourcePort: 0x8000 }),
      part({ offset: 1 }, { protocol: 58 }),
    ];
    const ping = icmp6To({ destination: ipv6(2), type: 128, behind: ["fragment"], fragments: true });
    expect(acceptsAll(ping, pieces)).toEqual([true, true]);
    const inside = inVlan(5, ping);
    expect(
      acceptsAll(
        inside,
        pieces.map((frame) => tagged(frame, 5)),
      ),
    ).toEqual([true, true]);
    const all = EXTENSION_CHAINS.map((behind) =>
      udp6To({ destination: ipv6(2), port: 53, behind, fragments: true }),
    );
    const verdicts = all.map((one) => acceptsAll(one, [beginning]));
    expect(verdicts.filter(([taken]) => taken)).toHaveLength(1);
    expect(ipv6To({ destination: ipv6(2) }).length).toBeLessThan(ping.length);
  });
});
