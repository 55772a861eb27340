import { describe, expect, test } from "vitest";
import { compileExpression, interpretFilter, type Filter } from "@exolith/secure-bind";
import { expressionOf, filterOf, makeEndpoints, printAddress, trafficOf } from "./endpoint.ts";
import { makeScene } from "./scene.ts";

describe("makeEndpoints", () => {
  test.each([1, 10, 37, 100, 1000, 10_000])("makes %i that differ, the same for the same seed", (count) => {
    const endpoints = makeEndpoints(count, 1);
    expect(endpoints).toHaveLength(count);
    expect(new Set(endpoints.map(expressionOf)).size).toBe(count);
    expect(makeEndpoints(count, 1)).toEqual(endpoints);
    if (count >= 10) expect(makeEndpoints(count, 2)).not.toEqual(endpoints);
  });

  test("mixes kinds: one of each at ten, and most of them connections at many", () => {
    const kinds = (count: number): Map<string, number> => {
      const found = new Map<string, number>();
      for (const endpoint of makeEndpoints(count, 1))
        found.set(trafficOf(endpoint), (found.get(trafficOf(endpoint)) ?? 0) + 1);
      return found;
    };
    expect(Object.fromEntries(kinds(10))).toEqual({
      "tcp listener": 1,
      "udp listener": 1,
      "tcp connection": 4,
      "udp connection": 1,
      arp: 1,
      host: 1,
      icmp: 1,
    });
    expect(Object.fromEntries(kinds(10_000))).toEqual({
      "tcp listener": 1000,
      "udp listener": 1000,
      "tcp connection": 6990,
      "udp connection": 1000,
      arp: 4,
      host: 2,
      icmp: 4,
    });
  });
});

test("an expression and a filter say the same", () => {
  const to = { address: 0x0a000002, port: 80 };
  const from = { peer: 0xc0a80101, peerPort: 50_000 };
  const listener = { kind: "listener", protocol: "tcp", ...to } as const;
  const connection = { kind: "connection", protocol: "udp", ...to, ...from } as const;
  expect(expressionOf(listener)).toBe("ip and tcp dst port 80 and ip dst host 10.0.0.2");
  expect(expressionOf(connection)).toBe(
    "ip and udp dst port 80 and ip dst host 10.0.0.2 and udp src port 50000 and ip src host 192.168.1.1",
  );
  expect(expressionOf({ kind: "arp", address: to.address })).toBe("arp dst host 10.0.0.2");
  expect(expressionOf({ kind: "icmp", address: to.address })).toMatch(
    /^ip proto 1 and ip dst host 10.0.0.2 /,
  );
});

test("expressions and filters accept the same packets of a trace", () => {
  const { endpoints, trace } = makeScene(10, 2000, 1);
  for (const endpoint of endpoints.filter(({ kind }) => kind !== "icmp")) {
    const filter = filterOf(endpoint);
    const fromText = compileExpression(expressionOf(endpoint));
    let accepted = 0;
    for (const [i, at] of trace.at.entries()) {
      const accepts = (each: Filter): boolean =>
        interpretFilter(each, trace.memory, at, trace.length[i] ?? 0);
      expect(fromText.some(accepts)).toBe(accepts(filter));
      accepted += Number(accepts(filter));
    }
    expect(accepted, expressionOf(endpoint)).toBeGreaterThan(0);
  }
});

test("an address has four parts", () => expect(printAddress(0xff0a0001)).toBe("255.10.0.1"));
