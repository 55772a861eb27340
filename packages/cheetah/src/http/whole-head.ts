/**
 * The head of a whole file's response, preformatted: made once, kept on the disk, patched for each response.
 *
 * All heads of a file have one even length, whatever their date and however the
 * connection goes on, so that where segments of the file end is known before any
 * is sent (`payload-sums.ts`). Both fields that vary lie at even offsets, and the
 * head's sum is corrected for them as RFC 1624 has it, without reading the rest.
 */
import { foldSum } from "@exolith/libos-exos";
import { entityTag } from "../disk/site-file.ts";
import type { SiteEntry } from "../disk/site-file.ts";
import { latin1, latin1Bytes } from "./ascii.ts";
import { formatHttpDate } from "./http-date.ts";
import { mediaTypeOf } from "./media-types.ts";

/** How the connection goes on after a response. */
export type Persistence = "keep" | "keep-named" | "close";

/** What a head is made from. */
export type HeadedFile = Pick<SiteEntry, "path" | "size" | "modified" | "hashHigh" | "hashLow">;

const START = "HTTP/1.1 200 OK\r\nServer: Cheetah\r\nDate: ";
const END = "\r\n\r\n";
/** Offset and length of the date. */
const DATE_AT = START.length;
const DATE_BYTES = 29;
/** The longest of `PERSISTENCE`; a shorter one has more white space before it. */
const PERSISTENCE_BYTES = 10;
/** From the field that says how the connection goes on to the end of the head. */
const PERSISTENCE_BACK = PERSISTENCE_BYTES + END.length;
const SHORTEST = DATE_AT + DATE_BYTES + PERSISTENCE_BACK;

/** Bytes of the longest head that is kept. */
export const LONGEST_HEAD = 1024;

const PERSISTENCE: Readonly<Record<Persistence, string>> = {
  keep: "keep-alive",
  "keep-named": "keep-alive",
  close: "     close",
};

/** The date that a kept head has: one that no response is sent on. */
const KEPT_DATE = formatHttpDate(0);

/** How a kept head ends, with the length of its file. */
const KEPT_END = /\r\nContent-Length: (\d+)\r\nConnection: {1,2}keep-alive\r\n\r\n$/;

/** A time of change that lies ahead is not sent (RFC 9110 section 8.8.2.1). */
export const validators = (file: HeadedFile, now: number): string =>
  `Last-Modified: ${formatHttpDate(Math.min(file.modified, now))}\r\nETag: ${entityTag(file)}\r\nAccept-Ranges: bytes\r\n`;

/** The head of a response with all of `file`, sent on `date`; `now` is that in milliseconds since 1970. */
export function wholeHead(file: HeadedFile, persistence: Persistence, date: string, now: number): string {
  const fields = `${validators(file, now)}Content-Type: ${mediaTypeOf(file.path)}\r\nContent-Length: ${file.size}\r\n`;
  const start = `${START}${date}\r\n${fields}Connection: `;
  const pad = (start.length & 1) === 0 ? "" : " ";
  return `${start}${pad}${PERSISTENCE[persistence]}${END}`;
}

/** The head that is kept with `file`. */
export const keptHead = (file: HeadedFile, now: number): Uint8Array =>
  latin1Bytes(wholeHead(file, "keep", KEPT_DATE, now));

/**
 * True when `bytes` can be the kept head of a file of `size` bytes: both fields that vary
 * are where they are patched, and it ends where the file begins, whose length it gives. O(length).
 */
export function isKeptHead(bytes: Uint8Array, size: number): boolean {
  if (bytes.length < SHORTEST || bytes.length > LONGEST_HEAD || bytes.length % 2 !== 0) return false;
  const text = latin1(bytes, 0, bytes.length);
  return (
    text.startsWith(`${START}${KEPT_DATE}\r\n`) &&
    text.indexOf(END) === text.length - END.length &&
    KEPT_END.exec(text)?.[1] === String(size)
  );
}

/** The folded sum of `bytes[from…to)`. O(length). */
export function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += bytes[i]! << ((i - from) & 1 ? 0 : 8);
  return foldSum(sum);
}

interface Patch {
  readonly bytes: Uint8Array;
  /** What the head's sum changes by: the complement of the old field's sum and the new one's (RFC 1624 equation 3). */
  readonly change: number;
}

function makePatch(before: string, after: string): Patch {
  const [old, bytes] = [latin1Bytes(before), latin1Bytes(after)];
  const change = foldSum((~sumOf(old, 0, old.length) & 0xffff) + sumOf(bytes, 0, bytes.length));
  return { bytes, change };
}

const PATCHES: Readonly<Record<Persistence, Patch>> = {
  keep: makePatch(PERSISTENCE.keep, PERSISTENCE.keep),
  "keep-named": makePatch(PERSISTENCE.keep, PERSISTENCE["keep-named"]),
  close: makePatch(PERSISTENCE.keep, PERSISTENCE.close),
};

/** Patches kept heads. */
export class HeadPatcher {
  #date: Patch = makePatch(KEPT_DATE, KEPT_DATE);

  /** Heads are sent on `date` from now on. */
  tick(date: string): void {
    this.#date = makePatch(KEPT_DATE, date);
  }

  /** Writes the kept `head` for one response to the start of `into`. O(length). */
  write(head: Uint8Array, persistence: Persistence, into: Uint8Array): void {
    into.set(head);
    into.set(this.#date.bytes, DATE_AT);
    into.set(PATCHES[persistence].bytes, head.length - PERSISTENCE_BACK);
  }

  /** The sum of what `write` writes, of a head whose own sum is `sum`. O(1). */
  sum(sum: number, persistence: Persistence): number {
    return foldSum(sum + this.#date.change + PATCHES[persistence].change);
  }
}
