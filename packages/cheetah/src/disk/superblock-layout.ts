/**
 * The superblock: where the site begins.
 *
 * Cheetah's own layout on its extent, in blocks of `BLOCK_BYTES`; every number is
 * big-endian, 32 bits unless it says otherwise:
 *
 * ```
 *   block 0        superblock
 *   block 1        the same superblock again
 *   block 2 …      runs in any order: the index, and one run of blocks a file
 *
 *   superblock     0 magic     4 version   8 generation        12 blocks of the extent
 *                 16 first block of the index                  20 bytes of the index
 *                 24 files    28 CRC-32 of the index           32 identity of the source (64 bits)
 *                 40 CRC-32 of bytes 0 to 39
 * ```
 *
 * A new generation is written beside the old one: data, then the index, then block
 * 0, then block 1, each when the one before has completed. What the old generation
 * used is free only after that. So a power cut leaves one whole generation: the
 * greater of the two superblocks that verify.
 */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { crc32 } from "./checksum.ts";
import type { SourceIdentity } from "./identity.ts";

/** `CHTH`. */
export const SUPERBLOCK_MAGIC = 0x43485448;
/** The version of the layout. */
export const LAYOUT_VERSION = 3;
/** Blocks that hold superblocks, at the start of the extent. */
export const SUPERBLOCKS = 2;

const CHECKED_BYTES = 40;
const MAGIC = 0;
const VERSION = 4;
const GENERATION = 8;
const BLOCKS = 12;
const INDEX_FIRST = 16;
const INDEX_BYTES = 20;
const FILES = 24;
const INDEX_CHECKSUM = 28;
const IDENTITY_HIGH = 32;
const IDENTITY_LOW = 36;

/** What a superblock says. */
export interface Superblock extends SourceIdentity {
  /** Grows with every index written. */
  readonly generation: number;
  /** Blocks of the extent it was written for; the extent may have grown since. */
  readonly blocks: number;
  /** The run of the index, and its length in bytes. */
  readonly indexFirst: number;
  readonly indexBytes: number;
  readonly files: number;
  readonly indexChecksum: number;
}

/** Why bytes are not a superblock of this extent. */
export type SuperblockError = "NoMagic" | "BadVersion" | "BadChecksum" | "BadGeometry";

/** Writes `superblock` over the first block of `into`. O(1). */
export function encodeSuperblock(superblock: Superblock, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, BLOCK_BYTES);
  into.fill(0, 0, BLOCK_BYTES);
  view.setUint32(MAGIC, SUPERBLOCK_MAGIC);
  view.setUint32(VERSION, LAYOUT_VERSION);
  view.setUint32(GENERATION, superblock.generation);
  view.setUint32(BLOCKS, superblock.blocks);
  view.setUint32(INDEX_FIRST, superblock.indexFirst);
  view.setUint32(INDEX_BYTES, superblock.indexBytes);
  view.setUint32(FILES, superblock.files);
  view.setUint32(INDEX_CHECKSUM, superblock.indexChecksum);
  view.setUint32(IDENTITY_HIGH, superblock.identityHigh);
  view.setUint32(IDENTITY_LOW, superblock.identityLow);
  view.setUint32(CHECKED_BYTES, crc32(into, 0, CHECKED_BYTES));
}

/** Reads the block at `at` of `bytes` as the superblock of an extent of `blocks` blocks. O(1). */
export function decodeSuperblock(
  bytes: Uint8Array,
  at: number,
  blocks: number,
): Superblock | SuperblockError {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_BYTES);
  if (view.getUint32(MAGIC) !== SUPERBLOCK_MAGIC) return "NoMagic";
  if (view.getUint32(CHECKED_BYTES) !== crc32(bytes, at, at + CHECKED_BYTES)) return "BadChecksum";
  if (view.getUint32(VERSION) !== LAYOUT_VERSION) return "BadVersion";
  const superblock = {
    generation: view.getUint32(GENERATION),
    blocks: view.getUint32(BLOCKS),
    indexFirst: view.getUint32(INDEX_FIRST),
    indexBytes: view.getUint32(INDEX_BYTES),
    files: view.getUint32(FILES),
    indexChecksum: view.getUint32(INDEX_CHECKSUM),
    identityHigh: view.getUint32(IDENTITY_HIGH),
    identityLow: view.getUint32(IDENTITY_LOW),
  };
  return fits(superblock, blocks) ? superblock : "BadGeometry";
}

const fits = (superblock: Superblock, blocks: number): boolean =>
  superblock.blocks <= blocks &&
  superblock.indexFirst >= SUPERBLOCKS &&
  superblock.indexBytes > 0 &&
  superblock.indexFirst + blocksFor(superblock.indexBytes) <= superblock.blocks;

/** Blocks that `bytes` bytes take. */
export const blocksFor = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);
