/** Brings a source's files onto the disk: data, then the index, then the superblocks. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { ContentHash, crc32 } from "./checksum.ts";
import type { ImportError, ImportPhase } from "./import-progress.ts";
import { encodeIndex } from "./index-layout.ts";
import type { Site } from "./site.ts";
import type { SiteFile } from "./site-file.ts";
import { fileBlocks, isSitePath, makeSiteFile } from "./site-file.ts";
import type { SiteSource, SkipReason, SourceFile } from "./site-source.ts";
import type { Staging } from "./staging.ts";
import { STAGING_BYTES } from "./staging.ts";
import type { Step } from "./step.ts";
import { SUPERBLOCKS, blocksFor, encodeSuperblock } from "./superblock-layout.ts";
import type { Superblock } from "./superblock-layout.ts";

/** Files listed before others get their turn. */
const LIST_BATCH = 256;

/** What an import works with, and reports to. */
export interface ImportTask {
  readonly site: Site;
  readonly staging: Staging;
  readonly source: SiteSource;
  /** Hears of each phase as it begins. */
  phase(phase: ImportPhase): void;
  /** Hears how much is to be copied, and of what has been. */
  planned(files: number, bytes: number): void;
  copied(files: number, bytes: number): void;
  skipped(path: string, reason: SkipReason): void;
}

/** The generation that is being made. */
interface Draft {
  readonly files: Map<string, SiteFile>;
  /** Those of them that are new on the disk. */
  readonly fresh: SiteFile[];
  readonly wanted: SourceFile[];
}

/** Imports what has changed; the result is `undefined` when all is well. */
export function* importSite(task: ImportTask): Generator<Step, ImportError | undefined> {
  const draft: Draft = { files: new Map(), fresh: [], wanted: [] };
  task.phase("listing");
  if (!(yield* listFiles(task, draft))) return "SourceFailed";
  task.phase("copying");
  task.planned(
    draft.wanted.length,
    draft.wanted.reduce((sum, file) => sum + file.size, 0),
  );
  task.staging.clearFailures();
  const hash = new ContentHash();
  for (const file of draft.wanted) yield* copyFile(task, draft, file, hash);
  yield* settle(task.staging);
  if (task.staging.failures > 0) return abandon(task, draft, "DiskFailed");
  if (isUnchanged(task.site, draft)) return undefined;
  task.phase("writing index");
  return yield* writeGeneration(task, draft);
}

/** Sorts the source's files into those that are on the disk already and those that are wanted. */
function* listFiles(task: ImportTask, draft: Draft): Generator<Step, boolean> {
  const seen = new Set<string>();
  const files = iterate(task.source);
  for (let file = files(); file !== "end"; file = files()) {
    if (file === "failed") return false;
    if (!isSitePath(file.path)) task.skipped(file.path, "BadName");
    else if (seen.has(file.path)) task.skipped(file.path, "Duplicate");
    else {
      seen.add(file.path);
      sortFile(task.site, draft, whole(file));
    }
    if (seen.size % LIST_BATCH === 0) yield "more";
  }
  draft.wanted.sort((a, b) => (a.path < b.path ? -1 : 1));
  return true;
}

/** The next file of a source at each call; what it throws ends it. */
function iterate(source: SiteSource): () => SourceFile | "end" | "failed" {
  let iterator: Iterator<SourceFile> | undefined;
  return () => {
    try {
      iterator ??= source.list()[Symbol.iterator]();
      const next = iterator.next();
      return next.done === true ? "end" : next.value;
    } catch {
      return "failed";
    }
  };
}

/** Times and sizes as the layout can keep them. */
const whole = (file: SourceFile): SourceFile => ({
  path: file.path,
  size: Math.max(0, Math.floor(file.size)),
  modified: Math.max(0, Math.floor(file.modified)),
});

function sortFile(site: Site, draft: Draft, file: SourceFile): void {
  const old = site.index?.file(file.path);
  if (old !== undefined && old.size === file.size && old.modified === file.modified)
    draft.files.set(old.path, old);
  else draft.wanted.push(file);
}

/** Copies one file to a run of its own; when that fails, what was there before stays. */
function* copyFile(task: ImportTask, draft: Draft, file: SourceFile, hash: ContentHash): Generator<Step> {
  const first = task.site.map.claimAny(fileBlocks(file));
  const reason = first < 0 ? "NoSpace" : yield* copyBytes(task, file, first, hash);
  if (reason === undefined) {
    const made = makeSiteFile({ ...file, first, hashHigh: hash.high, hashLow: hash.low });
    draft.files.set(file.path, made);
    draft.fresh.push(made);
    task.copied(1, 0);
    return;
  }
  task.skipped(file.path, reason);
  const old = task.site.index?.file(file.path);
  if (old !== undefined) draft.files.set(file.path, old);
  if (first < 0) return;
  yield* settle(task.staging);
  task.site.map.release(first, fileBlocks(file));
}

const buffer: Uint8Array = new Uint8Array(STAGING_BYTES);

function* copyBytes(
  task: ImportTask,
  file: SourceFile,
  first: number,
  hash: ContentHash,
): Generator<Step, SkipReason | undefined> {
  hash.reset();
  for (let at = 0; at < file.size; at += STAGING_BYTES) {
    const slot = yield* takeSlot(task.staging);
    const length = Math.min(STAGING_BYTES, file.size - at);
    const got = readFully(task.source, file.path, at, length);
    if (got !== length) {
      task.staging.give(slot);
      return got < 0 ? "Unreadable" : "Changed";
    }
    hash.add(buffer, length);
    task.staging.write(slot, buffer, length, first + at / BLOCK_BYTES);
    task.copied(0, length);
    yield "more";
  }
  return undefined;
}

/** Fills the first `length` bytes of the buffer; returns how many there were, -1 when the source threw. */
function readFully(source: SiteSource, path: string, offset: number, length: number): number {
  try {
    let filled = 0;
    while (filled < length) {
      const count = source.read(path, offset + filled, buffer.subarray(filled, length));
      if (!(count > 0)) break;
      filled += count;
    }
    return filled;
  } catch {
    return -1;
  }
}

function* takeSlot(staging: Staging): Generator<Step, number> {
  for (let slot = staging.take(); ; slot = staging.take()) {
    if (slot >= 0) return slot;
    yield "wait";
  }
}

/** Waits until no transfer is under way. */
function* settle(staging: Staging): Generator<Step> {
  while (staging.busy) yield "wait";
}

const isUnchanged = (site: Site, draft: Draft): boolean =>
  site.index !== undefined && draft.fresh.length === 0 && draft.files.size === site.index.size;

/** Gives back what was claimed for a generation that will not be. */
function abandon(task: ImportTask, draft: Draft, error: ImportError): ImportError {
  for (const file of draft.fresh) task.site.map.release(file.first, fileBlocks(file));
  return error;
}

function* writeGeneration(task: ImportTask, draft: Draft): Generator<Step, ImportError | undefined> {
  const { site, staging } = task;
  const generation = (site.superblock?.generation ?? 0) + 1;
  const index = encodeIndex([...draft.files.values()], generation);
  const indexFirst = site.map.claimAny(blocksFor(index.length));
  if (indexFirst < 0) return abandon(task, draft, "NoSpace");
  const superblock: Superblock = {
    generation,
    blocks: site.map.blocks,
    indexFirst,
    indexBytes: index.length,
    files: draft.files.size,
    indexChecksum: crc32(index, 0, index.length),
  };
  yield* writeRun(staging, index, indexFirst);
  if (staging.failures > 0) {
    site.map.release(indexFirst, blocksFor(index.length));
    return abandon(task, draft, "DiskFailed");
  }
  const block = new Uint8Array(BLOCK_BYTES);
  encodeSuperblock(superblock, block);
  for (let copy = 0; copy < SUPERBLOCKS && staging.failures === 0; copy++)
    yield* writeRun(staging, block, copy);
  if (staging.failures > 0) return "DiskFailed";
  site.publish(draft.files, superblock);
  return undefined;
}

/** Writes `bytes` from block `first`, and waits until they are there. */
function* writeRun(staging: Staging, bytes: Uint8Array, first: number): Generator<Step> {
  for (let at = 0; at < bytes.length; at += STAGING_BYTES) {
    const slot = yield* takeSlot(staging);
    const part = bytes.subarray(at, at + STAGING_BYTES);
    staging.write(slot, part, part.length, first + at / BLOCK_BYTES);
  }
  yield* settle(staging);
}
