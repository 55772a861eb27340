/** Reads a site that is on the disk already: what an earlier run imported. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { BlockMap } from "./block-map.ts";
import { decodeIndex } from "./index-layout.ts";
import type { IndexError } from "./index-layout.ts";
import { isSameSource } from "./identity.ts";
import type { SourceIdentity } from "./identity.ts";
import { writeRun } from "./write-run.ts";
import type { Site } from "./site.ts";
import { makeSiteFile } from "./site-file.ts";
import type { Staging } from "./staging.ts";
import { STAGING_BLOCKS, STAGING_BYTES } from "./staging.ts";
import type { Step } from "./step.ts";
import { SUPERBLOCKS, blocksFor, decodeSuperblock } from "./superblock-layout.ts";
import type { Superblock, SuperblockError } from "./superblock-layout.ts";

/** What was found: a site, or why there is none. */
export type RestoreResult = "restored" | "DiskFailed" | "OtherSource" | SuperblockError | IndexError;

/**
 * Reads the newest generation into `site`. A disk without one, or with a damaged one, leaves it as it was.
 *
 * A disk that was filled from another source than `identity` is wiped, before anything on it is overwritten.
 */
export function* restoreSite(
  site: Site,
  staging: Staging,
  identity: SourceIdentity,
): Generator<Step, RestoreResult> {
  const blocks = site.map.blocks;
  const first = yield* readRun(staging, 0, SUPERBLOCKS * BLOCK_BYTES);
  if (first === undefined) return "DiskFailed";
  const superblock = newer(decodeSuperblock(first, 0, blocks), decodeSuperblock(first, BLOCK_BYTES, blocks));
  if (typeof superblock === "string") return superblock;
  if (!isSameSource(superblock, identity)) return yield* wipe(staging);
  const bytes = yield* readRun(staging, superblock.indexFirst, superblock.indexBytes);
  if (bytes === undefined) return "DiskFailed";
  const map = new BlockMap(blocks);
  map.claim(superblock.indexFirst, blocksFor(superblock.indexBytes));
  const entries = decodeIndex(bytes, superblock, map);
  if (typeof entries === "string") return entries;
  site.restore(entries.map(makeSiteFile), superblock, map);
  return "restored";
}

/** Writes zeros over the superblocks: their index must not be believed when its files are gone. */
function* wipe(staging: Staging): Generator<Step, RestoreResult> {
  staging.clearFailures();
  yield* writeRun(staging, new Uint8Array(SUPERBLOCKS * BLOCK_BYTES), 0);
  return staging.failures === 0 ? "OtherSource" : "DiskFailed";
}

function newer(
  a: Superblock | SuperblockError,
  b: Superblock | SuperblockError,
): Superblock | SuperblockError {
  if (typeof b === "string") return a;
  return typeof a === "string" || b.generation > a.generation ? b : a;
}

/** The `length` bytes from block `first`; `undefined` when the disk could not read them. */
function* readRun(staging: Staging, first: number, length: number): Generator<Step, Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  staging.clearFailures();
  const slot = staging.take();
  for (let at = 0; at < length && staging.failures === 0; at += STAGING_BYTES) {
    const count = Math.min(STAGING_BLOCKS, blocksFor(length - at));
    staging.read(slot, first + at / BLOCK_BYTES, count);
    while (!staging.has(slot)) yield "wait";
    staging.window(slot).read(0, bytes, at, Math.min(STAGING_BYTES, length - at));
  }
  staging.give(slot);
  return staging.failures === 0 ? bytes : undefined;
}
