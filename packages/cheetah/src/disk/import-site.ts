/** Brings a source's files onto the disk: data, then the index, then the superblocks. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { crc32 } from "./checksum.ts";
import { copyGroup } from "./copy-group.ts";
import { dropFailed, makeCopyTools, settle } from "./copy-file.ts";
import { identityOf, isSameSource } from "./identity.ts";
import type { ImportError } from "./import-progress.ts";
import type { Draft, ImportTask } from "./import-task.ts";
import { encodeIndex } from "./index-layout.ts";
import { listFiles } from "./list-source.ts";
import { planGroups } from "./plan-groups.ts";
import type { Site } from "./site.ts";
import { fileBlocks } from "./site-file.ts";
import { STAGING_BYTES } from "./staging.ts";
import type { Step } from "./step.ts";
import { SUPERBLOCKS, blocksFor, encodeSuperblock } from "./superblock-layout.ts";
import type { Superblock } from "./superblock-layout.ts";
import { writeRun } from "./write-run.ts";

/** Imports what has changed; the result is `undefined` when all is well. */
export function* importSite(task: ImportTask): Generator<Step, ImportError | undefined> {
  const identity = identityOf(undefined);
  const draft: Draft = { files: new Map(), fresh: [], wanted: [], wantedBytes: 0, identity };
  task.phase("listing");
  if (!(yield* listFiles(task, draft))) return "SourceFailed";
  task.phase("copying");
  task.planned(draft.wanted.length, draft.wantedBytes);
  task.staging.clearFailures();
  yield* copyFiles(task, draft);
  yield* settle(task.staging);
  dropFailed(task, draft);
  if (isUnchanged(task.site, draft)) return undefined;
  task.phase("writing index");
  return yield* writeGeneration(task, draft);
}

function* copyFiles(task: ImportTask, draft: Draft): Generator<Step> {
  const tools = makeCopyTools();
  if (!task.grouping) {
    for (const file of draft.wanted) yield* copyGroup(task, draft, [file], tools);
    return;
  }
  let isAmongGroups = true;
  for (const group of yield* planGroups(task.source, draft.wanted)) {
    // Files that are alone fill the gaps between groups.
    if (isAmongGroups && group.length === 1) task.site.map.rewind();
    isAmongGroups = group.length > 1;
    yield* copyGroup(task, draft, group, tools);
  }
}

const isUnchanged = (site: Site, draft: Draft): boolean =>
  site.index !== undefined &&
  site.superblock !== undefined &&
  isSameSource(site.superblock, draft.identity) &&
  draft.fresh.length === 0 &&
  draft.files.size === site.index.size;

/** Gives back what was claimed for a generation that will not be. */
function abandon(task: ImportTask, draft: Draft, error: ImportError): ImportError {
  for (const file of draft.fresh) task.site.map.release(file.first, fileBlocks(file));
  return error;
}

function* writeGeneration(task: ImportTask, draft: Draft): Generator<Step, ImportError | undefined> {
  const { site, staging } = task;
  const generation = (site.superblock?.generation ?? 0) + 1;
  const index = yield* encodeIndex(draft.files.values(), generation);
  const indexFirst = site.map.claimAny(blocksFor(index.length));
  if (indexFirst < 0) return abandon(task, draft, "NoSpace");
  const superblock: Superblock = {
    generation,
    blocks: site.map.blocks,
    indexFirst,
    indexBytes: index.length,
    files: draft.files.size,
    indexChecksum: yield* checksum(index),
    ...draft.identity,
  };
  staging.clearFailures();
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
  yield* site.publish(draft.files, superblock);
  return undefined;
}

/** The CRC-32 of `bytes`, a piece a step. */
function* checksum(bytes: Uint8Array): Generator<Step, number> {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += STAGING_BYTES) {
    crc = crc32(bytes, at, Math.min(bytes.length, at + STAGING_BYTES), crc);
    yield "brief";
  }
  return crc;
}
