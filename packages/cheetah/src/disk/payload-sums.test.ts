import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import { foldSum } from "@exolith/libos-exos";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES } from "../cache/chunk-cache.ts";
import { LONGEST_SUMMED, PayloadSummer, knownSum, sumCount } from "./payload-sums.ts";
import type { FileWithSums } from "./payload-sums.ts";
import { STAGING_BYTES } from "./staging.ts";

/** The definition (RFC 1071 section 1), which is 0 for 0xffff. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) sum = foldSum(sum + (byte << (at % 2 === 0 ? 8 : 0)));
  return sum % 0xffff;
}

const window = makeWindow(STAGING_BYTES);

/** `bytes` as a file from block `first` on, summed as an import does it. */
function summed(bytes: Uint8Array, first: number, headBytes: number): FileWithSums {
  const file = { first, size: bytes.length, head: new Uint8Array(headBytes) };
  const summer = new PayloadSummer();
  summer.begin(file);
  for (let at = 0; at < bytes.length; at += STAGING_BYTES) {
    const length = Math.min(STAGING_BYTES, bytes.length - at);
    window.write(0, bytes, at, length);
    summer.add(window, at, length);
  }
  return { ...file, sums: summer.sums };
}

const files = fc.record({
  bytes: fc
    .tuple(fc.oneof(fc.nat(3000), fc.nat(20_000), fc.nat(200_000)), fc.nat(255), fc.nat(255))
    .map(([size, factor, term]) => new Uint8Array(size).map((_, at) => (at * factor) ^ (at >>> 7) ^ term)),
  first: fc.integer({ min: 2, max: 100 }),
  headBytes: fc.integer({ min: 40, max: 400 }).map((half) => 2 * half),
});

describe("sums of a file", () => {
  test.each([1460, 1448])(
    "every piece of every full segment of %i bytes is known, and right",
    (segmentBytes) => {
      fc.assert(
        fc.property(files, ({ bytes, first, headBytes }) => {
          const file = summed(bytes, first, headBytes);
          const start = (first * BLOCK_BYTES) % CHUNK_BYTES;
          for (let at = 0; at < bytes.length;) {
            const segmentEnd = (Math.floor((at + headBytes) / segmentBytes) + 1) * segmentBytes - headBytes;
            const chunkEnd = (Math.floor((start + at) / CHUNK_BYTES) + 1) * CHUNK_BYTES - start;
            const end = Math.min(bytes.length, segmentEnd, chunkEnd);
            expect(knownSum(file, at, end) % 0xffff).toBe(sumOf(bytes.subarray(at, end)));
            at = end;
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  test("from anywhere to anywhere: known is right, and what is not known is said", () => {
    const unit = fc.constantFrom(1, 2, 1448, 1460, 4096, 65_536);
    const place = fc.tuple(fc.nat(200), unit, fc.integer({ min: -2, max: 2 }), fc.boolean());
    fc.assert(
      fc.property(
        files,
        fc.array(fc.tuple(place, place), { minLength: 20 }),
        ({ bytes, first, headBytes }, pairs) => {
          const file = summed(bytes, first, headBytes);
          const offsetOf = ([count, length, past, behindHead]: (typeof pairs)[number][0]): number =>
            Math.max(0, Math.min(bytes.length, count * length + past - (behindHead ? headBytes : 0)));
          for (const pair of pairs) {
            const [from = 0, to = 0] = pair.map(offsetOf).toSorted((a, b) => a - b);
            if (from === to) continue;
            const known = knownSum(file, from, to);
            if (known !== -1) expect(known % 0xffff).toBe(sumOf(bytes.subarray(from, to)));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("as many sums as there are places; none for a file beyond 32-bit arithmetic", () => {
  const head = new Uint8Array(260);
  const count = (size: number, first = 16): number => sumCount({ first, size, head });
  expect([count(0), count(1), count(1188), count(1189), count(1200), count(1201)]).toEqual([
    1, 1, 1, 2, 2, 3,
  ]);
  expect([count(65_536), count(65_537)]).toEqual([1 + 45 + 45, 1 + 45 + 45 + 1]);
  expect(count(65_536, 17)).toBe(1 + 45 + 45 + 1);
  expect(count(LONGEST_SUMMED) * 2).toBeLessThan(LONGEST_SUMMED * 0.003);
  expect(count(LONGEST_SUMMED + 1)).toBe(0);
});
