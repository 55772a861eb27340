/** Copies files of a source to runs of blocks of their own. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { keptHead, sumOf } from "../http/whole-head.ts";
import { ContentHash } from "./checksum.ts";
import { isSame, listed } from "./import-task.ts";
import type { Draft, ImportTask, ListedFile } from "./import-task.ts";
import { PayloadSummer } from "./payload-sums.ts";
import { readFully } from "./read-source.ts";
import type { Site } from "./site.ts";
import { fileBlocks, makeSiteFile } from "./site-file.ts";
import type { SiteFile } from "./site-file.ts";
import type { SiteSource, SkipReason } from "./site-source.ts";
import type { Staging } from "./staging.ts";
import { STAGING_BYTES } from "./staging.ts";
import type { Step } from "./step.ts";

/** Times that a file which changes while it is copied is tried in one import. */
const ATTEMPTS = 3;

/** What is computed over a file while it is copied; used for one after another. */
export interface CopyTools {
  readonly hash: ContentHash;
  readonly summer: PayloadSummer;
}

/** Tools for one import. */
export const makeCopyTools = (): CopyTools => ({ hash: new ContentHash(), summer: new PayloadSummer() });

/** Where a file goes. */
export interface Place {
  /** The first block of its run, which has been claimed. */
  readonly first: number;
  /** As in `SiteFile`. */
  readonly groupBefore: number;
  readonly groupBlocks: number;
}

/** Copies one file, to `place` or wherever there is room; when that fails, what was there before stays. */
export function* copyFile(
  task: ImportTask,
  draft: Draft,
  file: ListedFile,
  tools: CopyTools,
  place: Place | undefined,
): Generator<Step> {
  let reason = yield* copyOnce(task, draft, file, tools, place);
  for (let attempt = 1; reason === "Changed" && attempt < ATTEMPTS; attempt++) {
    const now = look(task.source, file.path);
    if (now === undefined) break;
    reason = yield* copyOnce(task, draft, now, tools, undefined);
  }
  if (reason === undefined) return;
  task.skipped(file.path, reason);
  keepOld(task, draft, file.path);
}

/** Takes back the files of which a block could not be written. Nothing may be under way. */
export function dropFailed(task: ImportTask, draft: Draft): void {
  const { failedOwners } = task.staging;
  if (failedOwners.size === 0) return;
  const failed = draft.fresh.filter((_, owner) => failedOwners.has(owner));
  const sound = draft.fresh.filter((_, owner) => !failedOwners.has(owner));
  for (const file of failed) {
    task.skipped(file.path, "DiskFailed");
    task.copied(-1, -file.size);
    task.site.map.release(file.first, fileBlocks(file));
    draft.files.delete(file.path);
    keepOld(task, draft, file.path);
  }
  task.site.map.rewind();
  draft.fresh.splice(0, draft.fresh.length, ...sound);
}

function keepOld(task: ImportTask, draft: Draft, path: string): void {
  const old: SiteFile | undefined = task.site.index?.file(path);
  if (old !== undefined) draft.files.set(path, old);
}

function* copyOnce(
  task: ImportTask,
  draft: Draft,
  file: ListedFile,
  tools: CopyTools,
  place: Place | undefined,
): Generator<Step, SkipReason | undefined> {
  const { site, staging } = task;
  const { first, groupBefore, groupBlocks } = place ?? anyPlace(site, file);
  if (first < 0) return "NoSpace";
  const owner = draft.fresh.length;
  const now = task.wallclock();
  // Only its length matters yet, which does not depend on the hash.
  tools.summer.begin({ ...file, first, head: keptHead({ ...file, hashHigh: 0, hashLow: 0 }, now) });
  let reason = yield* copyBytes(task, file, { first, owner }, tools);
  if (reason === undefined) {
    reason = changed(task.source, file);
    if (reason !== undefined) task.copied(0, -file.size);
  }
  if (reason === undefined) {
    const hashed = { ...file, hashHigh: tools.hash.high, hashLow: tools.hash.low };
    const head = keptHead(hashed, now);
    const headSum = sumOf(head, 0, head.length);
    const { sums } = tools.summer;
    const made = makeSiteFile({ ...hashed, first, groupBefore, groupBlocks, head, headSum, sums });
    draft.files.set(file.path, made);
    draft.fresh.push(made);
    task.copied(1, 0);
    return undefined;
  }
  yield* settle(staging);
  staging.forgive(owner);
  site.map.release(first, fileBlocks(file));
  if (reason === "DiskFailed") site.map.rewind();
  return reason;
}

const anyPlace = (site: Site, file: ListedFile): Place => ({
  first: site.map.claimAny(fileBlocks(file)),
  groupBefore: 0,
  groupBlocks: 0,
});

/** "Changed" when the source can tell that `file` is not what it was when it was listed. */
function changed(source: SiteSource, file: ListedFile): SkipReason | undefined {
  if (source.look === undefined) return undefined;
  const now = look(source, file.path);
  if (now === undefined) return "Unreadable";
  return isSame(now, file) ? undefined : "Changed";
}

function look(source: SiteSource, path: string): ListedFile | undefined {
  try {
    const now = source.look?.(path);
    return now === undefined ? undefined : listed({ ...now, path });
  } catch {
    return undefined;
  }
}

const buffer: Uint8Array = new Uint8Array(STAGING_BYTES);

function* copyBytes(
  task: ImportTask,
  file: ListedFile,
  place: { readonly first: number; readonly owner: number },
  { hash, summer }: CopyTools,
): Generator<Step, SkipReason | undefined> {
  const { first, owner } = place;
  hash.reset();
  for (let at = 0; at < file.size; at += STAGING_BYTES) {
    const slot = yield* takeSlot(task.staging);
    const length = Math.min(STAGING_BYTES, file.size - at);
    const hasFailed = task.staging.failedOwners.has(owner);
    const got = hasFailed ? -1 : readFully(task.source, file.path, at, buffer.subarray(0, length));
    if (got !== length) {
      task.staging.give(slot);
      task.copied(0, -at);
      return hasFailed ? "DiskFailed" : got < 0 ? "Unreadable" : "Changed";
    }
    hash.add(buffer, length);
    task.staging.write(slot, buffer, length, first + at / BLOCK_BYTES, owner);
    summer.add(task.staging.window(slot), at, length);
    task.copied(0, length);
    yield "more";
  }
  return undefined;
}

/** Waits for a free slot. */
export function* takeSlot(staging: Staging): Generator<Step, number> {
  for (let slot = staging.take(); ; slot = staging.take()) {
    if (slot >= 0) return slot;
    yield "wait";
  }
}

/** Waits until no transfer is under way. */
export function* settle(staging: Staging): Generator<Step> {
  while (staging.busy) yield "wait";
}
