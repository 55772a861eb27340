/**
 * The index of a site, as bytes on its disk.
 *
 * ```
 *   index     0 magic     4 generation    8 entries, one behind the other
 *   entry     0 path bytes (16 bits)      2 zero (16 bits)        4 first block of the file
 *             8 size (64 bits)           16 modified, in milliseconds since 1970 (64 bits)
 *            24 content hash (64 bits)   32 version of the source (64 bits)
 *            40 path in UTF-8, then zeros to a multiple of 4
 * ```
 *
 * Entries are in any order, and no path is there twice. The disk is not trusted: whatever the bytes are, decoding gives an index whose runs
 * lie inside the extent and apart from each other, or a named error.
 */
import { fileBlocks, isSitePath } from "./site-file.ts";
import type { SiteEntry } from "./site-file.ts";
import type { BlockMap } from "./block-map.ts";
import { LATEST_TIME } from "./import-task.ts";
import type { Step } from "./step.ts";
import type { Superblock } from "./superblock-layout.ts";
import { crc32 } from "./checksum.ts";

/** `CIDX`. */
export const INDEX_MAGIC = 0x43494458;

const HEADER_BYTES = 8;
const ENTRY_BYTES = 40;
const PATH_LENGTH = 0;
const FIRST = 4;
const SIZE = 8;
const MODIFIED = 16;
const HASH_HIGH = 24;
const HASH_LOW = 28;
const VERSION = 32;
const WORD = 0x1_0000_0000;

/** Why bytes are not an index. */
export type IndexError =
  | "BadChecksum"
  | "NoMagic"
  | "BadGeneration"
  | "BadEntry"
  | "BadPath"
  | "BadRun"
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
    length += entryBytes(path.length);
    yield "brief";
  }
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, INDEX_MAGIC);
  view.setUint32(4, generation);
  let at = HEADER_BYTES;
  for (const [entry, path] of named) {
    at = putEntry(view, at, entry, path);
    yield "brief";
  }
  return new Uint8Array(view.buffer);
}

const entryBytes = (pathBytes: number): number => ENTRY_BYTES + Math.ceil(pathBytes / 4) * 4;

function putEntry(view: DataView, at: number, entry: SiteEntry, path: Uint8Array): number {
  view.setUint16(at + PATH_LENGTH, path.length);
  view.setUint32(at + FIRST, entry.first);
  putLong(view, at + SIZE, entry.size);
  putLong(view, at + MODIFIED, entry.modified);
  view.setUint32(at + HASH_HIGH, entry.hashHigh);
  view.setUint32(at + HASH_LOW, entry.hashLow);
  putLong(view, at + VERSION, entry.version);
  new Uint8Array(view.buffer).set(path, at + ENTRY_BYTES);
  return at + entryBytes(path.length);
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
    at += entryBytes(view.getUint16(at + PATH_LENGTH));
  }
  return entries.length === superblock.files ? entries : "BadCount";
}

function getEntry(view: DataView, at: number, map: BlockMap): SiteEntry | IndexError {
  if (at + ENTRY_BYTES > view.byteLength) return "BadEntry";
  const pathBytes = view.getUint16(at + PATH_LENGTH);
  if (at + entryBytes(pathBytes) > view.byteLength) return "BadEntry";
  const path = getPath(view, at + ENTRY_BYTES, pathBytes);
  if (path === undefined) return "BadPath";
  const entry = {
    path,
    first: view.getUint32(at + FIRST),
    size: getLong(view, at + SIZE),
    modified: getLong(view, at + MODIFIED),
    version: getLong(view, at + VERSION),
    hashHigh: view.getUint32(at + HASH_HIGH),
    hashLow: view.getUint32(at + HASH_LOW),
  };
  if (!Number.isSafeInteger(entry.size) || !Number.isSafeInteger(entry.version) || !isTime(entry.modified))
    return "BadEntry";
  return map.claim(entry.first, fileBlocks(entry)) ? entry : "BadRun";
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
