import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlockMap } from "./block-map.ts";
import { ContentHash, crc32 } from "./checksum.ts";
import { decodeIndex, encodeIndex } from "./index-layout.ts";
import { complete } from "./step.ts";
import { keptHead, sumOf } from "../http/whole-head.ts";
import { sumCount } from "./payload-sums.ts";
import { GROUP_BLOCKS, entityTag, fileBlocks, isSitePath } from "./site-file.ts";
import type { SiteEntry } from "./site-file.ts";
import { decodeSuperblock, encodeSuperblock } from "./superblock-layout.ts";
import type { Superblock } from "./superblock-layout.ts";

const BLOCKS = 4096;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const bare = fc.record({
  path: fc.string({ unit: "binary", minLength: 1 }).filter(isSitePath),
  size: fc.nat(200_000),
  modified: fc.nat({ max: 4_000_000_000_000 }),
  version: fc.maxSafeNat(),
  hashHigh: fc.nat(0xffffffff),
  hashLow: fc.nat(0xffffffff),
  groupBefore: fc.nat(8),
});
const sites = fc.uniqueArray(bare, { maxLength: 40, selector: (entry) => entry.path }).map((entries) => {
  const map = new BlockMap(BLOCKS);
  return entries
    .map((entry) => complement({ ...entry, first: map.claimAny(fileBlocks(entry)) }))
    .filter((e) => e.first >= 0);
});

/** What follows from the rest of an entry, and sums that nobody has added up. */
function complement(entry: Omit<SiteEntry, "groupBlocks" | "head" | "headSum" | "sums">): SiteEntry {
  const head = keptHead(entry, Date.UTC(2026, 0, 1));
  const sums = new Uint16Array(sumCount({ ...entry, head })).map((_, index) => index * 7919);
  const groupBefore = Math.max(0, Math.min(entry.groupBefore, entry.first - 2));
  const groupBlocks = groupBefore === 0 ? 0 : groupBefore + fileBlocks(entry);
  const isGrouped = groupBlocks > 0 && groupBlocks <= GROUP_BLOCKS;
  const group = isGrouped ? { groupBefore, groupBlocks } : { groupBefore: 0, groupBlocks: 0 };
  return { ...entry, ...group, head, headSum: sumOf(head, 0, head.length), sums };
}
const superblockOf = (bytes: Uint8Array, files: number, generation: number): Superblock => ({
  generation,
  blocks: BLOCKS,
  indexFirst: 2,
  indexBytes: bytes.length,
  files,
  indexChecksum: crc32(bytes, 0, bytes.length),
  identityHigh: 0xfedc_ba98,
  identityLow: 7,
});

describe("the index", () => {
  test("comes back as it was written", () => {
    fc.assert(
      fc.property(sites, fc.nat(0xffffffff), (entries, generation) => {
        const bytes = complete(encodeIndex(entries, generation));
        const decoded = decodeIndex(
          bytes,
          superblockOf(bytes, entries.length, generation),
          new BlockMap(BLOCKS),
        );
        expect(decoded).toEqual(entries);
      }),
    );
  });

  test("damaged in any place is a named error, even where the checksum was made to fit", () => {
    const names = [
      "NoMagic",
      "BadGeneration",
      "BadEntry",
      "BadPath",
      "BadRun",
      "BadGroup",
      "BadHead",
      "BadCount",
    ];
    fc.assert(
      fc.property(sites, fc.nat(), fc.integer({ min: 1, max: 255 }), (entries, at, change) => {
        const bytes = complete(encodeIndex(entries, 7));
        const intact = superblockOf(bytes, entries.length, 7);
        bytes[at % bytes.length]! ^= change;
        expect(decodeIndex(bytes, intact, new BlockMap(BLOCKS))).toBe("BadChecksum");
        const map = new BlockMap(BLOCKS);
        const forged = decodeIndex(bytes, superblockOf(bytes, entries.length, 7), map);
        if (typeof forged === "string") expect(names).toContain(forged);
        else checkEntries(forged, map);
      }),
    );
  });

  test("of random bytes is a named error or a sound index, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(10), (noise, files) => {
        const bytes = Uint8Array.from([...encode("CIDX"), 0, 0, 0, 7, ...noise]);
        const map = new BlockMap(BLOCKS);
        const decoded = decodeIndex(bytes, superblockOf(bytes, files, 7), map);
        if (typeof decoded !== "string") checkEntries(decoded, map);
      }),
    );
  });
});

/** What every index must be, whatever it was read from. */
function checkEntries(entries: readonly SiteEntry[], map: BlockMap): void {
  const total = entries.reduce((sum, entry) => sum + fileBlocks(entry), 0);
  expect(map.free).toBe(BLOCKS - 2 - total);
  for (const entry of entries) {
    expect(isSitePath(entry.path)).toBe(true);
    expect(entry.sums.length).toBe(sumCount(entry));
    if (entry.groupBlocks > 0) {
      const first = entry.first - entry.groupBefore;
      expect(first >= 2 && first + entry.groupBlocks <= BLOCKS && entry.groupBlocks <= GROUP_BLOCKS).toBe(
        true,
      );
      expect(entry.groupBefore + fileBlocks(entry) <= entry.groupBlocks).toBe(true);
    }
    if (entry.size > 0) expect(entry.first >= 2 && entry.first + fileBlocks(entry) <= BLOCKS).toBe(true);
  }
  expect(new Set(entries.map((entry) => entry.path)).size).toBe(entries.length);
}

describe("the superblock", () => {
  const superblock = superblockOf(new Uint8Array(100), 3, 9);
  const written = (): Uint8Array => {
    const bytes = new Uint8Array(BLOCK_BYTES);
    encodeSuperblock(superblock, bytes);
    return bytes;
  };

  test("comes back as it was written", () => {
    expect(decodeSuperblock(written(), 0, BLOCKS)).toEqual(superblock);
  });

  test("is refused by name when it is damaged, of another version or of another disk", () => {
    expect(decodeSuperblock(new Uint8Array(BLOCK_BYTES), 0, BLOCKS)).toBe("NoMagic");
    expect(decodeSuperblock(written(), 0, BLOCKS - 1)).toBe("BadGeometry");
    const torn = written();
    torn[9]! ^= 1;
    expect(decodeSuperblock(torn, 0, BLOCKS)).toBe("BadChecksum");
    const later = written();
    new DataView(later.buffer).setUint32(4, 4);
    new DataView(later.buffer).setUint32(40, crc32(later, 0, 40));
    expect(decodeSuperblock(later, 0, BLOCKS)).toBe("BadVersion");
  });
});

test("CRC-32 of the standard's check string", () => {
  expect(crc32(encode("123456789"), 0, 9)).toBe(0xcbf43926);
});

describe("the content hash", () => {
  const hashOf = (bytes: Uint8Array): string => {
    const hash = new ContentHash();
    hash.add(bytes, bytes.length);
    return entityTag({ size: bytes.length, hashHigh: hash.high, hashLow: hash.low });
  };
  test("tells any two contents apart that differ in one bit or in length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (bytes, bit) => {
        const changed = bytes.slice();
        changed[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
        expect(hashOf(changed)).not.toBe(hashOf(bytes));
        expect(hashOf(Uint8Array.from([...bytes, 0]))).not.toBe(hashOf(bytes));
      }),
    );
  });
});

describe("the block map", () => {
  test("never hands out a block twice and forgets none", () => {
    const step = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(-1));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new BlockMap(200);
        const runs: [number, number][] = [];
        for (const count of steps) {
          if (count < 0) {
            const run = runs.shift();
            if (run !== undefined) map.release(...run);
            continue;
          }
          const first = map.claimAny(count);
          if (first < 0) continue;
          for (const [other, length] of runs)
            expect(first + count <= other || other + length <= first).toBe(true);
          expect(first >= 2 && first + count <= 200).toBe(true);
          runs.push([first, count]);
        }
        expect(map.free).toBe(198 - runs.reduce((sum, [, count]) => sum + count, 0));
      }),
    );
  });
});
