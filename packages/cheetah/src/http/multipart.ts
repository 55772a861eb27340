/** Several ranges in one response: `multipart/byteranges` (RFC 9110 section 14.6). */
import type { SiteFile } from "../disk/site-file.ts";
import { mediaTypeOf } from "./media-types.ts";
import { contentRange } from "./ranges.ts";
import type { ByteRange } from "./ranges.ts";

/**
 * The boundary between parts of `file`: made of the hash of its own contents.
 *
 * A file that held it would have to hold its own hash.
 */
export const boundaryOf = (file: SiteFile): string =>
  `cheetah-${file.hashHigh.toString(36)}-${file.hashLow.toString(36)}-${file.size.toString(36)}`;

/** What stands before part `index`. */
export function partHead(file: SiteFile, ranges: readonly ByteRange[], index: number): string {
  const before = index === 0 ? "" : "\r\n";
  const type = `Content-Type: ${mediaTypeOf(file.path)}\r\n`;
  const range = `Content-Range: ${contentRange(ranges[index]!, file.size)}\r\n`;
  return `${before}--${boundaryOf(file)}\r\n${type}${range}\r\n`;
}

/** What stands behind the last part. */
export const partsEnd = (file: SiteFile): string => `\r\n--${boundaryOf(file)}--\r\n`;

/** Bytes of the whole body. O(ranges). */
export function multipartBytes(file: SiteFile, ranges: readonly ByteRange[]): number {
  let total = partsEnd(file).length;
  for (let i = 0; i < ranges.length; i++)
    total += partHead(file, ranges, i).length + ranges[i]!.end - ranges[i]!.first;
  return total;
}
