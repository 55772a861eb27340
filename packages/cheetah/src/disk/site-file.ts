/** A file of the site: where its bytes are on the disk, and what is known of them. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";

/** One file of one generation. */
export interface SiteFile {
  /** Its name: segments with `/` between them. */
  readonly path: string;
  /** The first block of its run; 0 for an empty file. */
  readonly first: number;
  /** Bytes. */
  readonly size: number;
  /** When the source changed it last, in milliseconds since 1970. */
  readonly modified: number;
  /** What the source called this state of the file: below 2^53, 0 when it said nothing. */
  readonly version: number;
  /** The hash of its contents, in two halves of 32 bits. */
  readonly hashHigh: number;
  readonly hashLow: number;
  /** Blocks of its group that lie before its own, and blocks of the group; 0 and 0 outside groups. */
  readonly groupBefore: number;
  readonly groupBlocks: number;
  /** The head of its response, to be patched (`whole-head.ts`), and that head's folded sum. */
  readonly head: Uint8Array;
  readonly headSum: number;
  /** Sums of its bytes (`payload-sums.ts`). */
  readonly sums: Uint16Array;
  /** Responses that are reading it now. */
  references: number;
  /** It is in no index any more: its blocks are free when nobody reads it. */
  retired: boolean;
}

/** What identifies a file, without the state that a server keeps with it. */
export type SiteEntry = Omit<SiteFile, "references" | "retired">;

/** A file that nobody reads yet. */
export const makeSiteFile = (entry: SiteEntry): SiteFile => ({
  path: entry.path,
  first: entry.first,
  size: entry.size,
  modified: entry.modified,
  version: entry.version,
  hashHigh: entry.hashHigh,
  hashLow: entry.hashLow,
  groupBefore: entry.groupBefore,
  groupBlocks: entry.groupBlocks,
  head: entry.head,
  headSum: entry.headSum,
  sums: entry.sums,
  references: 0,
  retired: false,
});

/** Blocks of the longest group: four chunks of the cache. */
export const GROUP_BLOCKS = 64;

/** Blocks of its run. */
export const fileBlocks = (file: Pick<SiteEntry, "size">): number => Math.ceil(file.size / BLOCK_BYTES);

/** Its strong entity tag, quotes included: size and contents (RFC 9110 section 8.8.3). */
export const entityTag = (file: Pick<SiteEntry, "size" | "hashHigh" | "hashLow">): string =>
  `"${file.size.toString(16)}-${hexadecimal(file.hashHigh)}${hexadecimal(file.hashLow)}"`;

const hexadecimal = (word: number): string => word.toString(16).padStart(8, "0");

/** Longest name of a file in bytes of UTF-8. */
export const PATH_BYTES = 4096;

const utf8 = new TextEncoder();

/** True when `path` can name a file of a site: whole segments, none of them `.` or `..`, no NUL or backslash. */
export function isSitePath(path: string): boolean {
  if (path === "" || !path.isWellFormed() || /[\0\\]/.test(path)) return false;
  if (path.length > PATH_BYTES || utf8.encode(path).length > PATH_BYTES) return false;
  return path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}
