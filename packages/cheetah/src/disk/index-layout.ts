/**
 * The index of a site, as bytes on its disk.
 *
 * ```
 *   index     0 magic     4 generation    8 entries, one behind the other
 *   entry     0 path bytes (16 bits)      2 blocks of its group before it (8 bits)
 *             3 blocks of its group, or 0 (8 bits)              4 first block of the file
 *             8 size (64 bits)           16 modified, in milliseconds since 1970 (64 bits)
 *            24 content hash (64 bits)   32 version of the source (64 bits)
 *            40 bytes of its head (16 bits)                    42 sum of its head (16 bits)
 *            44 path in UTF-8, its head, its sums (16 bits each); each then zeros to a multiple of 4
 * ```
 *
 * What the head and the sums are, and how many sums there are, `whole-head.ts` and `payload-sums.ts` say.
 * Entries are in any order, and no path is there twice. The disk is not trusted: whatever the bytes are, decoding gives an index whose runs
 * lie inside the extent and apart from each other, or a named error.
 */
import { isKeptHead, sumOf } from "../http/whole-head.ts";
import { sumCount } from "./payload-sums.ts";
import { GROUP_BLOCKS, fileBlocks, isSitePath } from "./site-file.ts";
import type { SiteEntry } from "./site-file.ts";
import type { BlockMap } from "./block-map.ts";
import { LATEST_TIME } from "./import-task.ts";
import type { Step } from "./step.ts";
import type { Superblock } from "./superblock-layout.ts";
import { SUPERBLOCKS } from "./superblock-layout.ts";
import { crc32 } from "./checksum.ts";

/** `CIDX`. */
export const INDEX_MAGIC = 0x43494458;

const HEADER_BYTES = 8;
const ENTRY_BYTES = 44;
const PATH_LENGTH = 0;
const GROUP_BEFORE = 2;
const GROUP_LENGTH = 3;
const FIRST = 4;
const SIZE = 8;
const MODIFIED = 16;
const HASH_HIGH = 24;
const HASH_LOW = 28;
const VERSION = 32;
const HEAD_LENGTH = 40;
const HEAD_SUM = 42;
const SUM_BYTES = 2;
/** Sums that are written in one step. */
const SUMS_A_STEP = 16_384;
const WORD = 0x1_0000_0000;

/** Why bytes are not an index. */
export type IndexError =
  | "BadChecksum"
  | "NoMagic"
  | "BadGeneration"
  | "BadEntry"
  | "BadPath"
  | "BadRun"
  | "BadGroup"
  | "BadHead"
  | "BadCount";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of an index over `entries`, an entry a step. O(n) in all. */
export function* encodeIndex(entries: Iterable<SiteEntry>, generation: number): Generator<Step, Uint8Array> {
  const named: [SiteEntry, Uint8Array][] = [];
  let length = HEADER_BYTES;
  for (const entry of entries) {
    const path = encoder.encode(entry.path);
    named.push([entry, path]);
    length += entryBytes(path.length, entry);
    yield "brief";
  }
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, INDEX_MAGIC);
  view.setUint32(4, generation);
  let at = HEADER_BYTES;
  for (const [entry, path] of named) {
    putEntry(view, at, entry, path);
    yield* putSums(view, at + entryBytes(path.length, entry), entry.sums);
    at += entryBytes(path.length, entry);
    yield "brief";
  }
  return new Uint8Array(view.buffer);
}

const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

const entryBytes = (pathBytes: number, { head, sums }: Pick<SiteEntry, "head" | "sums">): number =>
  ENTRY_BYTES + padded(pathBytes) + padded(head.length) + padded(sums.length * SUM_BYTES);

/** Everything but the sums. */
function putEntry(view: DataView, at: number, entry: SiteEntry, path: Uint8Array): void {
  view.setUint16(at + PATH_LENGTH, path.length);
  view.setUint8(at + GROUP_BEFORE, entry.groupBefore);
  view.setUint8(at + GROUP_LENGTH, entry.groupBlocks);
  view.setUint32(at + FIRST, entry.first);
  putLong(view, at + SIZE, entry.size);
  putLong(view, at + MODIFIED, entry.modified);
  view.setUint32(at + HASH_HIGH, entry.hashHigh);
  view.setUint32(at + HASH_LOW, entry.hashLow);
  putLong(view, at + VERSION, entry.version);
  view.setUint16(at + HEAD_LENGTH, entry.head.length);
  view.setUint16(at + HEAD_SUM, entry.headSum);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(path, at + ENTRY_BYTES);
  bytes.set(entry.head, at + ENTRY_BYTES + padded(path.length));
}

/** Writes `sums`, which are the last of an entry that ends at `end`; some a step. */
function* putSums(view: DataView, end: number, sums: Uint16Array): Generator<Step> {
  const at = end - padded(sums.length * SUM_BYTES);
  for (let index = 0; index < sums.length; index++) {
    view.setUint16(at + index * SUM_BYTES, sums[index]!);
    if ((index + 1) % SUMS_A_STEP === 0) yield "brief";
  }
}

const putLong = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, Math.floor(value / WORD));
  view.setUint32(at + 4, value % WORD);
};

const getLong = (view: DataView, at: number): number => view.getUint32(at) * WORD + view.getUint32(at + 4);

/**
 * Reads the index that `superblock` names from its `bytes`; claims every run in `map`.
 *
 * On an error `map` is left with what was claimed before it. O(bytes + blocks).
 */
export function decodeIndex(
  bytes: Uint8Array,
  superblock: Superblock,
  map: BlockMap,
): SiteEntry[] | IndexError {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (crc32(bytes, 0, bytes.length) !== superblock.indexChecksum) return "BadChecksum";
  if (bytes.length < HEADER_BYTES || view.getUint32(0) !== INDEX_MAGIC) return "NoMagic";
  if (view.getUint32(4) !== superblock.generation) return "BadGeneration";
  const entries: SiteEntry[] = [];
  const paths = new Set<string>();
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const entry = getEntry(view, at, map);
    if (typeof entry === "string") return entry;
    if (paths.has(entry.path)) return "BadPath";
    paths.add(entry.path);
    entries.push(entry);
    at += entryBytes(view.getUint16(at + PATH_LENGTH), entry);
  }
  return entries.length === superblock.files ? entries : "BadCount";
}

function getEntry(view: DataView, at: number, map: BlockMap): SiteEntry | IndexError {
  if (at + ENTRY_BYTES > view.byteLength) return "BadEntry";
  const pathBytes = view.getUint16(at + PATH_LENGTH);
  const headAt = at + ENTRY_BYTES + padded(pathBytes);
  if (headAt > view.byteLength) return "BadEntry";
  const path = getPath(view, at + ENTRY_BYTES, pathBytes);
  if (path === undefined) return "BadPath";
  const placed = {
    path,
    first: view.getUint32(at + FIRST),
    groupBefore: view.getUint8(at + GROUP_BEFORE),
    groupBlocks: view.getUint8(at + GROUP_LENGTH),
    size: getLong(view, at + SIZE),
    modified: getLong(view, at + MODIFIED),
    version: getLong(view, at + VERSION),
    hashHigh: view.getUint32(at + HASH_HIGH),
    hashLow: view.getUint32(at + HASH_LOW),
  };
  if (!areNumbers(placed)) return "BadEntry";
  if (!isInGroup(placed, map.blocks)) return "BadGroup";
  const known = getKnown(view, at, headAt, placed);
  if (typeof known === "string") return known;
  return map.claim(placed.first, fileBlocks(placed)) ? { ...placed, ...known } : "BadRun";
}

const areNumbers = (entry: Pick<SiteEntry, "size" | "version" | "modified">): boolean =>
  Number.isSafeInteger(entry.size) && Number.isSafeInteger(entry.version) && isTime(entry.modified);

/** A group is what is read ahead: it lies in the extent, and the file in it. */
function isInGroup(
  entry: Pick<SiteEntry, "first" | "size" | "groupBefore" | "groupBlocks">,
  blocks: number,
): boolean {
  const { groupBefore, groupBlocks } = entry;
  if (groupBlocks === 0) return groupBefore === 0;
  const first = entry.first - groupBefore;
  if (first < SUPERBLOCKS || first + groupBlocks > blocks || groupBlocks > GROUP_BLOCKS) return false;
  return groupBefore + fileBlocks(entry) <= groupBlocks;
}

/** The head of the entry at `at`, which lies at `headAt`, and its sums. */
function getKnown(
  view: DataView,
  at: number,
  headAt: number,
  placed: Pick<SiteEntry, "first" | "size">,
): Pick<SiteEntry, "head" | "headSum" | "sums"> | IndexError {
  const headBytes = view.getUint16(at + HEAD_LENGTH);
  const sumsAt = headAt + padded(headBytes);
  if (sumsAt > view.byteLength) return "BadEntry";
  const head = new Uint8Array(view.buffer, view.byteOffset + headAt, headBytes).slice();
  const headSum = view.getUint16(at + HEAD_SUM);
  if (!isKeptHead(head, placed.size) || sumOf(head, 0, headBytes) !== headSum) return "BadHead";
  const count = sumCount({ ...placed, head });
  if (sumsAt + padded(count * SUM_BYTES) > view.byteLength) return "BadEntry";
  const sums = new Uint16Array(count);
  for (let index = 0; index < count; index++) sums[index] = view.getUint16(sumsAt + index * SUM_BYTES);
  return { head, headSum, sums };
}

const isTime = (milliseconds: number): boolean => milliseconds <= LATEST_TIME;

function getPath(view: DataView, at: number, length: number): string | undefined {
  try {
    const path = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
    return isSitePath(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
