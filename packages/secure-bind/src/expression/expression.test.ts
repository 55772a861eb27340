import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileFilter } from "../filter/compile.ts";
import { icmpTo, inVlan, ipv6To, tcp6To, tcpTo, udpTo } from "../filter/builders.ts";
import type { Filter } from "../filter/term.ts";
import { ARP_REQUEST, ipv4, ipv4Packet, tagged } from "../testing/packets.ts";
import { ipv6, ipv6Packet } from "../testing/packets-ipv6.ts";
import { mustVerify } from "../testing/verify.ts";
import { compileExpression } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";
import { EXPRESSION_FILTERS } from "./parse.ts";

const accepts = (filters: readonly Filter[], frame: Uint8Array): boolean =>
  filters.some((filter) => compileFilter(mustVerify(filter))(frame, 0, frame.length));
const matches = (expression: string, frame: Uint8Array): boolean =>
  accepts(compileExpression(expression), frame);

const http = ipv4Packet();
const dns = ipv4Packet({ protocol: 17, port: 53, destination: ipv4(10, 0, 0, 9) });
const http6 = ipv6Packet();
const fragment6 = ipv6Packet({ headers: [{ number: 44, more: true }] });
const hops6 = ipv6Packet({ headers: [{ number: 0 }] });
const group6 = ipv6Packet({ destination: [0xff02_0000, 0, 0, 1], protocol: 58 });
const stacked = tagged(tagged(http, 5), 7, 0x88a8);

describe("expressions", () => {
  test.each([
    ["", http, true],
    ["tcp port 80 and host 10.0.0.1", http, true],
    ["tcp port 80 and host 10.0.0.3", http, false],
    ["tcp port 80 or 443", ipv4Packet({ port: 443 }), true],
    ["port 80", ipv4Packet({ port: 8080, options: 12 }), false],
    ["port 80", ipv4Packet({ options: 40 }), true],
    ["src port 80", http, false],
    ["src or dst port 80", http, true],
    ["src and dst port 80", http, false],
    ["src and dst port 80", ipv4Packet({ sourcePort: 80 }), true],
    ["udp and dst net 10.0.0.0/29", dns, false],
    ["udp and dst net 10.0.0.8/29", dns, true],
    ["net 10.0", dns, true],
    ["dst net 10.0.0.0 mask 255.255.255.248", dns, false],
    ["tcp portrange 79-81", http, true],
    ["tcp portrange 81-1000", http, false],
    ["tcp dst port 80", ipv4Packet({ fragment: 0x2001 }), false],
    ["tcp", ipv4Packet({ fragment: 0x2001 }), true],
    ["ip proto 6", http, true],
    ["ip proto \\tcp", http, true],
    ["ether proto \\arp", ARP_REQUEST, true],
    ["arp host 10.0.0.2", ARP_REQUEST, true],
    ["host 10.0.0.2", ARP_REQUEST, true],
    ["ip host 10.0.0.2", ARP_REQUEST, false],
    ["ether broadcast", ARP_REQUEST, true],
    ["multicast", http, false],
    ["ether src 02:00:00:00:00:01", http, true],
    ["ether dst host 02:00:00:00:00:01", http, false],
    ["(tcp or udp) && (port 53 || port 80)", dns, true],
    ["ip6", http, false],
    ["ip6", http6, true],
    ["tcp port 80", http6, true],
    ["tcp port 80", ipv6Packet({ port: 81 }), false],
    ["port 80", ipv6Packet({ protocol: 17, port: 53, sourcePort: 80 }), true],
    ["ip6 and tcp dst port 80", http6, true],
    ["ip and tcp dst port 80", http6, false],
    ["tcp", fragment6, true],
    ["tcp port 80", fragment6, false],
    ["ip6 proto 44", fragment6, true],
    ["tcp", hops6, false],
    ["ip6 proto 0", hops6, true],
    ["host 2001:db8::2", http6, true],
    ["ip6 host 2001:DB8:0::2", http6, true],
    ["ip6 src host 2001:db8::2", http6, false],
    ["ip6 net 2001:db8::/32", http6, true],
    ["ip6 net 2001:db9::/32", http6, false],
    ["net ::/0", http6, true],
    ["net ::/0", http, false],
    ["net 2001:db8::/127", http6, true],
    ["dst net 2001:db8::/127", http6, false],
    ["dst net 2001:db8::2/127", http6, true],
    ["host ::ffff:10.0.0.2", ipv6Packet({ destination: [0, 0, 0xffff, 0x0a00_0002] }), true],
    ["icmp6", group6, true],
    ["icmp", group6, false],
    ["ip6 multicast", group6, true],
    ["ip6 multicast", http6, false],
    ["ip multicast", ipv4Packet({ destination: ipv4(224, 0, 0, 1) }), true],
    ["ip multicast", http, false],
    ["vlan", http, false],
    ["vlan", tagged(http, 5), true],
    ["vlan 5", tagged(http, 5), true],
    ["vlan 0x5", tagged(http, 5), true],
    ["vlan 6", tagged(http, 5), false],
    ["tcp port 80", tagged(http, 5), false],
    ["vlan and tcp port 80", tagged(http, 5), true],
    ["vlan 5 and tcp port 80", tagged(http6, 5), true],
    ["vlan 5 and udp", tagged(http, 5), false],
    ["vlan 5 and ip6 host 2001:db8::1", tagged(http6, 5), true],
    ["vlan 5 and ether src 02:00:00:00:00:01", tagged(http, 5), true],
    ["vlan 5 and arp", tagged(ARP_REQUEST, 5), true],
    ["vlan 7 and vlan 5 and tcp port 80", stacked, true],
    ["vlan 5 and vlan 7 and tcp port 80", stacked, false],
    ["vlan 7 and tcp port 80", stacked, false],
    ["tcp port 80 or (vlan and tcp port 80)", http, true],
    ["tcp port 80 or (vlan and tcp port 80)", tagged(http, 5), true],
    ["(vlan and tcp port 80) or tcp port 80", http, false],
  ] as const)("%s", (expression, frame, expected) => {
    expect(matches(expression, frame)).toBe(expected);
  });

  test("are nothing at all when nothing satisfies them", () => {
    expect(compileExpression("tcp and udp")).toEqual([]);
    expect(compileExpression("ip and ip6")).toEqual([]);
    expect(compileExpression("tcp port 80 and vlan and tcp port 80")).toEqual([]);
  });

  test.each([
    ["not tcp", "not", 0],
    ["tcp and !udp", "not", 8],
    ["tcp[13] & 2 != 0", "[", 3],
    ["host example.org", "example.org", 5],
    ["port http", "http", 5],
    ["less 64", "less", 0],
    ["tcp and", "", 7],
    ["(tcp", "", 4],
    ["tcp)", ")", 3],
    ["icmp port 7", "7", 10],
    ["tcp host 10.0.0.1", "10.0.0.1", 9],
    ["udp host ::1", "::1", 9],
    ["ip port 80", "80", 8],
    ["net 10.0.0.1/8", "10.0.0.1/8", 4],
    ["ether host 10.0.0.1", "10.0.0.1", 11],
    ["ip6 host 10.0.0.1", "10.0.0.1", 9],
    ["port 65536", "65536", 5],
    ["vlan 4096", "4096", 5],
    ["vlan 5 or 6", "6", 10],
    ["vlan not 5", "not", 5],
    ["ip6 port 80", "80", 9],
    ["ip6 host 2001:db8::1::2", "2001:db8::1::2", 9],
    ["host fe80::1%eth0", "%", 12],
    ["ip host ::1", "::1", 8],
    ["net 2001:db8::1/32", "2001:db8::1/32", 4],
    ["ip6 net 2001:db8::/129", "2001:db8::/129", 8],
    ["ip broadcast", "broadcast", 3],
    ["ip6 broadcast", "broadcast", 4],
    ["tcp multicast", "multicast", 4],
    ["ip6 protochain 6", "protochain", 4],
    ["mpls", "mpls", 0],
    ["tcp port 80 or vlan and tcp port 80", "tcp port 80 or vlan and tcp port 80", 0],
    ["pppoes", "pppoes", 0],
    ["src", "", 3],
    ["80", "80", 0],
  ] as const)("%s names the word that is not understood", (expression, word, at) => {
    let thrown: unknown;
    try {
      compileExpression(expression);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ExpressionError);
    expect([(thrown as ExpressionError).word, (thrown as ExpressionError).at]).toEqual([word, at]);
  });

  test("stay bounded", () => {
    const ranges = Array.from({ length: 12 }, () => "portrange 1-65534").join(" and ");
    expect(() => compileExpression(ranges)).toThrow(ExpressionError);
    expect(() => compileExpression("(".repeat(5000))).toThrow(ExpressionError);
    expect(() => compileExpression("tcp ".repeat(2000))).toThrow(ExpressionError);
    expect(compileExpression("tcp portrange 1000-1100").length).toBeLessThan(EXPRESSION_FILTERS);
  });

  test("never throw anything but an ExpressionError, and always pass the verifier", () => {
    const word = fc.constantFrom(
      ..."ip ip6 arp tcp udp icmp ether host net port proto src dst and or ( ) vlan 80 10.0.0.1 ::1 mask / ,".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          for (const filter of compileExpression(words.join(" "))) mustVerify(filter);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

// What tcpdump itself makes of the same expressions and frames.

const octets = (...values: number[]): number[] => values;
const word16 = (value: number): number[] => octets(value >>> 8, value & 0xff);
const address4 = fc
  .constantFrom([10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3], [224, 0, 0, 1])
  .map((address) => [...address]);
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const address6 = fc
  .constantFrom(
    [0x20, 1, 0xd, 0xb8, ...zeros(11), 1],
    [0x20, 1, 0xd, 0xb8, ...zeros(11), 2],
    [0xff, 2, ...zeros(13), 1],
  )
  .map((address) => [...address]);
const port = fc.constantFrom(53, 80, 81, 1000);
const protocol = fc.constantFrom(1, 6, 17, 58, 132);

const ports = fc
  .tuple(port, port)
  .map(([source, destination]) => [
    ...word16(source),
    ...word16(destination),
    ...Array.from({ length: 16 }, () => 0),
  ]);

const packet4 = fc
  .tuple(
    address4,
    address4,
    protocol,
    ports,
    fc.constantFrom(0, 4, 8),
    fc.constantFrom(0x4000, 0x2000, 0x2001),
  )
  .map(([source, destination, kind, behind, options, fragment]) => [
    ...word16(0x0800),
    ...octets(0x45 + options / 4, 0, ...word16(40 + options), 0, 0, ...word16(fragment), 64, kind, 0, 0),
    ...source,
    ...destination,
    ...Array.from({ length: options }, () => 1),
    ...behind,
  ]);
const packet6 = fc
  .tuple(address6, address6, protocol, ports, fc.boolean())
  .map(([source, destination, kind, behind, isFragment]) => [
    ...word16(0x86dd),
    ...octets(0x60, 0, 0, 0, ...word16(isFragment ? 28 : 20), isFragment ? 44 : kind, 64),
    ...source,
    ...destination,
    ...(isFragment ? octets(kind, 0, 0, 1, 0, 0, 0, 9) : []),
    ...behind,
  ]);
const packetArp = fc
  .tuple(address4, address4, fc.constantFrom(0x0806, 0x8035))
  .map(([sender, target, type]) => [
    ...word16(type),
    ...octets(0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, ...sender, 0, 0, 0, 0, 0, 0, ...target),
  ]);
const payload = fc.oneof({ weight: 3, arbitrary: packet4 }, { weight: 2, arbitrary: packet6 }, packetArp);
/** Tags before the Ethernet type, each with its identifier; most frames have none. */
const tags = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  {
    weight: 3,
    arbitrary: fc.array(fc.tuple(fc.constantFrom(0x8100, 0x8100, 0x88a8, 0x9100), fc.constantFrom(5, 6)), {
      minLength: 1,
      maxLength: 3,
    }),
  },
);
const frame = fc
  .tuple(fc.constantFrom(1, 2), fc.constantFrom(1, 2, 255), payload, tags)
  .map(([from, to, inner, stack]) =>
    Uint8Array.from([
      ...(to === 255 ? Array.from({ length: 6 }, () => 255) : octets(2, 0, 0, 0, 0, to)),
      ...octets(2, 0, 0, 0, 0, from),
      ...stack.flatMap(([type, id]) => [...word16(type), ...word16(0x6000 | id)]),
      ...inner,
    ]),
  );

const anyTag = (id: number, filter: Filter): Filter[] =>
  [0x8100, 0x88a8, 0x9100].map((tag) => inVlan(id, filter, tag));

test.each([
  ["tcp dst port 80 and dst host 10.0.0.1", [tcpTo({ destination: ipv4(10, 0, 0, 1), port: 80 })]],
  ["udp src port 53 and dst host 10.0.0.2", [udpTo({ destination: ipv4(10, 0, 0, 2), sourcePort: 53 })]],
  ["icmp and dst host 10.0.0.3", [icmpTo({ destination: ipv4(10, 0, 0, 3), fragments: true })]],
  ["tcp dst port 81 and dst host 2001:db8::1", [tcp6To({ destination: ipv6(1), port: 81 })]],
  [
    "vlan 5 and tcp and dst host 10.0.0.1",
    anyTag(5, tcpTo({ destination: ipv4(10, 0, 0, 1), fragments: true })),
  ],
  [
    "vlan 6 and src host 2001:db8::2 and dst host 2001:db8::1",
    anyTag(6, ipv6To({ source: ipv6(2), destination: ipv6(1) })),
  ],
] as const)("%s is what the builders make of it", (text, built) => {
  const ours = built.map((filter) => compileFilter(mustVerify(filter)));
  const theirs = compileExpression(text).map((filter) => compileFilter(mustVerify(filter)));
  let taken = 0;
  fc.assert(
    fc.property(frame, (bytes) => {
      const [mine, other] = [ours, theirs].map((all) => all.some((one) => one(bytes, 0, bytes.length)));
      expect(mine).toBe(other);
      taken += Number(mine);
    }),
    { numRuns: 4000, seed: 1996 },
  );
  expect(taken).toBeGreaterThan(0);
});

const PRIMITIVES = [
  ..."ip|ip6|arp|rarp|tcp|udp|sctp|icmp|icmp6|port 80|tcp port 53|udp src port 1000|dst portrange 53-80".split(
    "|",
  ),
  ..."host 10.0.0.1|src host 10.0.0.2|ip dst 10.0.0.3|arp src host 10.0.0.1|net 10.0.0.0/30|net 10|src net 10.0.0.2/31".split(
    "|",
  ),
  ..."host 2001:db8::1|ip6 src net 2001:db8::/32|ether src 02:00:00:00:00:01|ether broadcast|multicast".split(
    "|",
  ),
  ..."ip proto 17|ip6 proto 6|ether proto 0x86dd|proto 6|src and dst port 80|src or dst host 10.0.0.1".split(
    "|",
  ),
  ..."tcp src and dst port 53|tcp src portrange 80-81".split("|"),
  ..."vlan|vlan 5|vlan 5|ip multicast|ip6 multicast|ip6 dst host ff02::1|net ::/0|dst net 2001:db8::2/127".split(
    "|",
  ),
  ..."ip6 proto 44|ip6 proto 0|ip6 src 2001:db8::2|(vlan 6 and tcp)|(vlan and ip6)|(udp or vlan)".split("|"),
];
const expression = fc
  .tuple(
    fc.constantFrom("", "", "", "vlan and ", "vlan 5 and "),
    fc.array(fc.tuple(fc.constantFrom(...PRIMITIVES), fc.constantFrom(" and ", " or ")), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(
    ([tag, parts]) =>
      tag + parts.map(([part], i) => part + (i + 1 < parts.length ? (parts[i]?.[1] ?? "") : "")).join(""),
  );

function hasTcpdump(): boolean {
  try {
    execFileSync("tcpdump", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function captureFile(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [
    Uint8Array.from(
      octets(0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1),
    ),
  ];
  for (const [i, bytes] of frames.entries()) {
    const size = [0, 0, ...word16(bytes.length)];
    parts.push(Uint8Array.from([0, 0, 0, 0, 0, 0, ...word16(i), ...size, ...size]), bytes);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** Numbers of the frames in a capture: they are their microseconds. */
function framesIn(capture: Uint8Array): number[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.length);
  const isLittle = view.getUint32(0) !== 0xa1b2c3d4;
  const found: number[] = [];
  for (let at = 24; at < capture.length; at += 16 + view.getUint32(at + 8, isLittle))
    found.push(view.getUint32(at + 4, isLittle));
  return found;
}

/** `undefined` for an expression that comes to more filters than one may, or looks behind two headers at once. */
function filtersOf(text: string): readonly Filter[] | undefined {
  try {
    return compileExpression(text);
  } catch (error) {
    if (error instanceof ExpressionError && /too many filters|two headers/.test(error.message))
      return undefined;
    throw error;
  }
}

/** What tcpdump takes; it refuses an expression that it can tell to take nothing. */
function takenByTcpdump(capture: string, taken: string, text: string): number[] {
  const { status, stderr } = spawnSync("tcpdump", ["-r", capture, "-w", taken, text], { encoding: "utf8" });
  if (stderr.includes("rejects all packets")) return [];
  expect([status, text]).toEqual([0, text]);
  return framesIn(readFileSync(taken));
}

describe.skipIf(!hasTcpdump())("beside tcpdump (skipped where it is not installed)", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "expression-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("an expression takes the same frames", () => {
    const capture = join(folder, "in.pcap");
    const taken = join(folder, "out.pcap");
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 60, size: "max" }),
        expression,
        (frames, text) => {
          const filters = filtersOf(text);
          fc.pre(filters !== undefined);
          writeFileSync(capture, captureFile(frames));
          const ours = frames.flatMap((bytes, i) => (accepts(filters, bytes) ? [i] : []));
          expect(ours).toEqual(takenByTcpdump(capture, taken, text));
          compared += frames.length;
        },
      ),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(5000);
  });
});

describe("attack: words that every object has a property of", () => {
  const words = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];
  const places = [
    "ether proto",
    "ip proto",
    "proto",
    "ip6 proto",
    "port",
    "portrange",
    "net",
    "host",
    "vlan",
    "ether host",
    "src",
    "tcp port 80 or",
    "tcp and",
    "net 10.0.0.0 mask",
    "ether",
    "ip",
    "(",
    "",
  ];
  test.each(words.flatMap((word) => places.map((place) => `${place} ${word}`.trim())))("%s", (text) => {
    expect(() => compileExpression(text)).toThrow(ExpressionError);
    const name = text.split(" ").at(-1) ?? "";
    expect(() => compileExpression(text)).toThrow(name);
  });
});
