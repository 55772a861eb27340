import { describe, expect, expectTypeOf, test } from "vitest";
import { equal, shift } from "../filter/term.ts";
import { tcp6To, tcpTo } from "../filter/builders.ts";
import { ARP_REQUEST, ipv4, ipv4Packet, tagged } from "../testing/packets.ts";
import { ipv6, ipv6Packet } from "../testing/packets-ipv6.ts";
import { makeClassifier } from "./classifier.ts";
import { ExpressionError } from "./expression-error.ts";

const dns = ipv4Packet({ protocol: 17, port: 53 });

describe("makeClassifier", () => {
  const classify = makeClassifier({
    rest: "ip or ip6",
    web: "tcp port 80 or 443",
    names: "udp port 53",
    tagged: "vlan 5",
  });

  test.each([
    ["web", ipv4Packet()],
    ["web", ipv4Packet({ port: 443, options: 40 })],
    ["web", ipv6Packet()],
    ["names", dns],
    ["rest", ipv4Packet({ port: 8080 })],
    ["rest", ipv6Packet({ protocol: 17 })],
    ["tagged", tagged(dns, 5)],
    [undefined, tagged(dns, 6)],
    [undefined, ARP_REQUEST],
    [undefined, new Uint8Array(0)],
  ])("says %s", (name, frame) => {
    expect(classify(frame)).toBe(name);
  });

  test("looks at a frame inside a memory", () => {
    const memory = Uint8Array.from([...ARP_REQUEST, ...dns, ...ARP_REQUEST]);
    expect(classify(memory, 42, dns.length)).toBe("names");
    expect(classify(memory, 42)).toBe("names");
    expect(classify(memory, 42, 37)).toBe("rest");
    expect(classify(memory)).toBeUndefined();
  });

  test("takes filters as well, and prefers the longest whatever the order", () => {
    const ours = { destination: ipv4(10, 0, 0, 2), port: 80 };
    const http = { any: "tcp port 80", ours: [tcpTo(ours), tcp6To({ destination: ipv6(2), port: 80 })] };
    const either = makeClassifier(http);
    expect(
      [ipv4Packet(), ipv6Packet(), ipv6Packet({ destination: ipv6(3) })].map((frame) => either(frame)),
    ).toEqual(["ours", "ours", "any"]);
    expect(makeClassifier({ ours: http.ours, any: http.any })(ipv4Packet())).toBe("ours");
  });

  test("leaves what two classes share to the first", () => {
    expect(makeClassifier({ first: "udp", second: "udp or tcp" })(dns)).toBe("first");
    expect(makeClassifier({ first: "udp", second: "udp or tcp" })(ipv4Packet())).toBe("second");
    expect(makeClassifier({ first: "src host 10.0.0.1", second: "dst host 10.0.0.2" })(dns)).toBe("first");
  });

  test("of no class knows none, and an empty expression is everything", () => {
    expect(makeClassifier({})(dns)).toBeUndefined();
    expect(makeClassifier({ all: "", never: "tcp and udp" })(new Uint8Array(0))).toBe("all");
  });

  test("says what is wrong", () => {
    expect(() => makeClassifier({ web: "tcp prot 80" })).toThrow(ExpressionError);
    expect(() => makeClassifier({ bad: [[equal(0, 1, 256)]] })).toThrow(/class bad: BadValue at term 0/);
    const deep = Array.from({ length: 40 }, (_, i) => [
      ...Array.from({ length: 100 }, (__, at) => shift(at + i, 1, 0xff, 0)),
      equal(0, 1, 0),
    ]);
    expect(() => makeClassifier({ deep })).toThrow(/class deep: too many filters/);
  });

  test("takes pairs where names are numbers, which an object has in an order of its own", () => {
    expect(
      makeClassifier([
        ["b", "tcp"],
        ["7", "tcp"],
      ] as const)(ipv4Packet()),
    ).toBe("b");
    expect(makeClassifier({ b: "tcp", 7: "tcp" })(ipv4Packet())).toBe("7");
  });

  test.each([5, undefined, null, {}, new Set(["tcp"])])("names a class that is none: %s", (wanted) => {
    const classes = { web: "tcp", odd: wanted } as unknown as Record<string, string>;
    expect(() => makeClassifier(classes)).toThrow(/class odd: neither an expression nor filters/);
  });

  test("gives nobody what is no frame", () => {
    const all = makeClassifier({ all: "" });
    expect([all(dns, 5), all(dns, dns.length), all(dns, dns.length + 1), all(dns, -1)]).toEqual([
      "all",
      "all",
      undefined,
      undefined,
    ]);
  });

  test("has the names in its type", () => {
    expectTypeOf(classify(dns)).toEqualTypeOf<"rest" | "web" | "names" | "tagged" | undefined>();
  });
});
