/** A site whose files are generated from a seed as they are read: any size, no copy. */
import { createHash } from "node:crypto";
import { makeRandomSequence } from "@exolith/hw-model";
import type { SiteSource } from "../src/disk/site-source.ts";
import { MODIFIED } from "./memory-source.ts";

/** One file: its bytes follow from `seed`. */
export interface GeneratedFile {
  readonly size: number;
  readonly seed: number;
  readonly modified?: number;
}

/** A source over a map of generated files. */
export interface GeneratedSource extends SiteSource {
  readonly files: Map<string, GeneratedFile>;
}

/** A prime: bytes that were moved by a multiple of any block, chunk or segment are different ones. */
const PATTERN_BYTES = 1_048_573;

const makePattern = (): Uint8Array => {
  const pattern = new Uint8Array(PATTERN_BYTES);
  const { next } = makeRandomSequence(7);
  for (let at = 0; at < PATTERN_BYTES; at++) pattern[at] = next() >>> 24;
  return pattern;
};
const PATTERN = makePattern();

/** The bytes of `file` from `offset`, as many as fit `into` and there are; returns how many. */
export function generate(file: GeneratedFile, offset: number, into: Uint8Array): number {
  const count = Math.max(0, Math.min(into.length, file.size - offset));
  for (let done = 0; done < count;) {
    const from = (file.seed * 7919 + offset + done) % PATTERN_BYTES;
    const part = PATTERN.subarray(from, Math.min(PATTERN_BYTES, from + count - done));
    into.set(part, done);
    done += part.length;
  }
  return count;
}

/** SHA-256 of the whole of `file`, hexadecimal. */
export function digestOf(file: GeneratedFile): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(65_536);
  for (let offset = 0; offset < file.size; offset += piece.length)
    hash.update(piece.subarray(0, generate(file, offset, piece)));
  return hash.digest("hex");
}

/** A source with `files`. */
export function makeGeneratedSource(files: Iterable<readonly [string, GeneratedFile]>): GeneratedSource {
  const held = new Map(files);
  return {
    files: held,
    list: function* () {
      for (const [path, { size, modified = MODIFIED }] of held) yield { path, size, modified };
    },
    read: (path, offset, into) => {
      const file = held.get(path);
      if (file === undefined) throw new Error("gone");
      return generate(file, offset, into);
    },
  };
}

/** Sizes around every boundary that something in the machine has. */
const EDGES = [0, 1, 1459, 1460, 1461, 4095, 4096, 4097, 65_535, 65_536, 65_537];

/** `count` files of sizes at edges and between, most of them small, none above `most` bytes. */
export function makeManyFiles(
  count: number,
  seed: number,
  most: number = 300_000,
): [string, GeneratedFile][] {
  const { below } = makeRandomSequence(seed);
  const size = (index: number): number => EDGES[index] ?? Math.floor((below(2 ** 20) / 2 ** 20) ** 3 * most);
  return Array.from({ length: count }, (_, index) => [
    `files/${index % 10}/${index}.bin`,
    { size: size(index), seed: index + 1 },
  ]);
}
