import { describe, expect, test } from "vitest";
import { answersOf } from "./agreement.ts";
import { trafficOf } from "./endpoint.ts";
import { makeLinear } from "./linear.ts";
import { makeScene } from "./scene.ts";
import { layOut, type Trace } from "./trace.ts";

const PACKETS = 6000;
const scene = makeScene(100, PACKETS, 1);
const { trace } = scene;

const frameOf = ({ memory, at, length }: Trace, i: number): Uint8Array =>
  memory.subarray(at[i], (at[i] ?? 0) + (length[i] ?? 0));
const frames = Array.from({ length: PACKETS }, (_, i) => frameOf(trace, i));
const typeOf = (frame: Uint8Array): number => ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
const share = (of: (frame: Uint8Array) => boolean): number => frames.filter(of).length / PACKETS;

/** The ones' complement sum over a header with its checksum is all ones. */
function hasChecksum(frame: Uint8Array): boolean {
  let sum = 0;
  const end = 14 + 4 * ((frame[14] ?? 0) & 15);
  for (let i = 14; i < end; i += 2) sum += ((frame[i] ?? 0) << 8) | (frame[i + 1] ?? 0);
  return (sum & 0xffff) + (sum >>> 16) === 0xffff;
}

describe("a trace", () => {
  test("has the shapes of an Ethernet", () => {
    expect(share((frame) => typeOf(frame) === 0x0800)).toBeGreaterThan(0.7);
    expect(share((frame) => typeOf(frame) === 0x86dd)).toBeGreaterThan(0.05);
    expect(share((frame) => typeOf(frame) === 0x0806)).toBeGreaterThan(0.05);
    expect(share((frame) => typeOf(frame) < 1500)).toBeGreaterThan(0.003);
    expect(share((frame) => frame.length < 60)).toBeGreaterThan(0.003);
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThanOrEqual(14 + 60 + 20 + 1448);
  });

  test("has IPv4 headers of every length from 20 to 60 bytes, with options and checksums that are right", () => {
    const packets = frames.filter((frame) => typeOf(frame) === 0x0800 && frame.length >= 60);
    const lengths = new Set(packets.map((frame) => 4 * ((frame[14] ?? 0) & 15)));
    expect([...lengths].toSorted((a, b) => a - b)).toEqual([20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60]);
    expect(packets.filter((frame) => !hasChecksum(frame))).toEqual([]);
    const protocols = new Set(packets.map((frame) => frame[23]));
    expect([...protocols].toSorted()).toEqual([1, 17, 47, 6]);
    expect(packets.some((frame) => (((frame[20] ?? 0) << 8) | (frame[21] ?? 0)) % 0x2000 !== 0)).toBe(true);
  });

  test("is for the endpoints in the same measure, however many there are", () => {
    const shares = [10, 1000].map((count) => {
      const { endpoints, filters, trace: other } = makeScene(count, 2000, 1);
      const found = new Map<string, number>();
      for (const tag of answersOf(makeLinear(filters), other)) {
        const endpoint = endpoints[tag];
        const traffic = endpoint === undefined ? "nobody" : trafficOf(endpoint);
        found.set(traffic, (found.get(traffic) ?? 0) + 1 / 2000);
      }
      return found;
    });
    expect(shares[0]?.size).toBe(8);
    for (const found of shares) {
      expect(found.get("nobody")).toBeGreaterThan(0.2);
      expect(found.get("nobody")).toBeLessThan(0.4);
      expect(found.get("tcp connection")).toBeGreaterThan(0.35);
      for (const [traffic, part] of shares[0] ?? [])
        expect(Math.abs(part - (found.get(traffic) ?? 0)), traffic).toBeLessThan(0.1);
    }
  });

  test("reaches every endpoint of ten", () => {
    const { filters, trace: other } = makeScene(10, 2000, 3);
    expect([...new Set(answersOf(makeLinear(filters), other))].toSorted((a, b) => a - b)).toEqual([
      -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test("is the same for the same seed", () => {
    expect(makeScene(100, 50, 1).trace).toEqual(makeScene(100, 50, 1).trace);
    expect(makeScene(100, 50, 2).trace).not.toEqual(makeScene(100, 50, 1).trace);
  });
});

test("frames lie at multiples of 64 bytes, one behind the other", () => {
  const one = Uint8Array.from({ length: 65 }, (_, i) => i);
  const { memory, at, length } = layOut([one, one.subarray(0, 3)]);
  expect([...at]).toEqual([0, 128]);
  expect([...length]).toEqual([65, 3]);
  expect(memory).toHaveLength(192);
  expect([...memory.subarray(128, 132)]).toEqual([0, 1, 2, 0]);
});
