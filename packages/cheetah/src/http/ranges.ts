/** Byte ranges (RFC 9110 section 14). */

/** The bytes from `first` up to, and without, `end`. */
export interface ByteRange {
  readonly first: number;
  readonly end: number;
}

/** What a `Range` field asks for: bytes, nothing that there is (416), or nothing that is understood (200). */
export type RangeRequest = readonly ByteRange[] | "unsatisfiable" | "ignored";

const INTEGER = /^(\d+)-(\d+)?$/;
const SUFFIX = /^-(\d+)$/;
const PREFIX = "bytes=";

/**
 * Reads a `Range` field's `text` for a representation of `size` bytes.
 *
 * Ignored are: another unit, a malformed set, more than `limit` ranges, and a set that
 * asks for more bytes than there are (overlapping ranges, section 14.2 and 17.15). O(length).
 */
export function parseRanges(text: string, size: number, limit: number): RangeRequest {
  if (text.slice(0, PREFIX.length).toLowerCase() !== PREFIX) return "ignored";
  const parts = text.slice(PREFIX.length).split(",").map(trimmed).filter(isSomething);
  if (parts.length === 0 || parts.length > limit) return "ignored";
  const ranges: ByteRange[] = [];
  for (const part of parts) {
    const range = parseRange(part, size);
    if (range === "ignored") return "ignored";
    if (range !== undefined) ranges.push(range);
  }
  if (ranges.length === 0) return "unsatisfiable";
  return total(ranges) > size ? "ignored" : ranges;
}

const trimmed = (part: string): string => part.trim();

/** Empty elements of a list mean nothing (section 5.6.1.2). */
const isSomething = (part: string): boolean => part !== "";

const total = (ranges: readonly ByteRange[]): number =>
  ranges.reduce((sum, range) => sum + range.end - range.first, 0);

/** One range; `undefined` when it lies outside. A number too long to be exact is beyond the end all the same. */
function parseRange(text: string, size: number): ByteRange | undefined | "ignored" {
  const suffix = SUFFIX.exec(text);
  if (suffix !== null) return suffixRange(Number(suffix[1]), size);
  const match = INTEGER.exec(text);
  if (match === null) return "ignored";
  const first = Number(match[1]);
  const last = match[2] === undefined ? size - 1 : Number(match[2]);
  if (match[2] !== undefined && last < first) return "ignored";
  return first >= size ? undefined : { first, end: Math.min(last + 1, size) };
}

/** The last bytes of a representation; an empty one has no partial content to send. */
function suffixRange(length: number, size: number): ByteRange | undefined | "ignored" {
  if (length === 0) return undefined;
  return size === 0 ? "ignored" : { first: Math.max(0, size - length), end: size };
}

/** The value of `Content-Range` for `range` of `size` bytes. */
export const contentRange = (range: ByteRange, size: number): string =>
  `bytes ${range.first}-${range.end - 1}/${size}`;
