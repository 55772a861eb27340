/** Response heads (RFC 9112 section 4): kept ones are patched, the others written field by field. */
import type { Answer } from "./answer.ts";
import { putText } from "./ascii.ts";
import { ERROR_PAGE_TYPE, errorPage } from "./error-page.ts";
import { formatHttpDate } from "./http-date.ts";
import { mediaTypeOf } from "./media-types.ts";
import { ALLOWED } from "./method.ts";
import { boundaryOf, multipartBytes } from "./multipart.ts";
import { contentRange } from "./ranges.ts";
import { PHRASES } from "./status.ts";
import { HeadPatcher, validators, wholeHead } from "./whole-head.ts";
import type { SiteFile } from "../disk/site-file.ts";
import type { Persistence } from "./whole-head.ts";

/** Bytes of the longest head: a redirect from the longest target, every octet of it escaped. */
export const HEAD_BYTES = 65_536;

/** The sum of a head that was not patched. */
const UNKNOWN = -1;

/** Writes response heads into one buffer of its own. */
export class HeadWriter {
  /** What was written last, from 0. */
  readonly bytes: Uint8Array = new Uint8Array(HEAD_BYTES);
  /** Heads that were put together field by field, and kept ones that were patched. */
  readonly counters: { made: number; patched: number } = { made: 0, patched: 0 };
  readonly #preformatted: boolean;
  readonly #patcher = new HeadPatcher();
  #second = -1;
  #date = "";
  #sum = UNKNOWN;

  /** `preformatted`: the heads that are kept with files are used. */
  constructor(preformatted: boolean) {
    this.#preformatted = preformatted;
  }

  /** The folded sum of what was written last, -1 when nobody knows it. */
  get sum(): number {
    return this.#sum;
  }

  /** Writes the head of `answer`, and the body of one that has no file; returns its length in bytes. */
  write(answer: Answer, persistence: Persistence, now: number): number {
    this.#tick(now);
    this.#sum = UNKNOWN;
    const { file } = answer;
    const isWhole = answer.status === 200 && file !== undefined;
    if (isWhole && this.#preformatted) return this.#putKept(file, persistence);
    this.counters.made += 1;
    if (!isWhole) return this.#putAnswer(answer, persistence, now);
    return putText(this.bytes, 0, wholeHead(file, persistence, this.#date, now));
  }

  /** Writes the head of a response with all of `file`, from the one that is kept with it; returns its length in bytes. */
  writeWhole(file: SiteFile, persistence: Persistence, now: number): number {
    this.#tick(now);
    return this.#putKept(file, persistence);
  }

  #putKept(file: SiteFile, persistence: Persistence): number {
    this.counters.patched += 1;
    this.#patcher.write(file.head, persistence, this.bytes);
    this.#sum = this.#patcher.sum(file.headSum, persistence);
    return file.head.length;
  }

  #tick(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = formatHttpDate(second * 1000);
    this.#patcher.tick(this.#date);
  }

  #putAnswer(answer: Answer, persistence: Persistence, now: number): number {
    const start = `HTTP/1.1 ${answer.status} ${PHRASES[answer.status]}\r\nServer: Cheetah\r\nDate: ${this.#date}\r\n`;
    let at = putText(this.bytes, 0, start + fieldsOf(answer, now));
    if (persistence === "close") at = putText(this.bytes, at, "Connection: close\r\n");
    else if (persistence === "keep-named") at = putText(this.bytes, at, "Connection: keep-alive\r\n");
    at = putText(this.bytes, at, "\r\n");
    return hasPage(answer) && !answer.headOnly ? this.#putPage(at, errorPage(answer.status)) : at;
  }

  #putPage(at: number, page: Uint8Array): number {
    this.bytes.set(page, at);
    return at + page.length;
  }
}

/** True when the answer carries one of the pages of `errorPage`. */
export const hasPage = (answer: Answer): boolean =>
  answer.status !== 200 && answer.status !== 206 && answer.status !== 304;

function fieldsOf(answer: Answer, now: number): string {
  const { file, ranges, status } = answer;
  if (file !== undefined && status === 304) return validators(file, now);
  if (file !== undefined && status === 206 && ranges !== undefined)
    return validators(file, now) + partFields(answer);
  const length = `Content-Type: ${ERROR_PAGE_TYPE}\r\nContent-Length: ${errorPage(status).length}\r\n`;
  if (status === 301) return `Location: ${answer.location}\r\n${length}`;
  if (status === 405) return `Allow: ${ALLOWED}\r\n${length}`;
  if (status === 416) return `Content-Range: bytes */${file?.size ?? 0}\r\n${length}`;
  if (status === 503) return `Retry-After: 1\r\n${length}`;
  return length;
}

function partFields(answer: Answer): string {
  const { file, ranges } = answer;
  if (file === undefined || ranges === undefined) return "";
  const only = ranges[0]!;
  if (ranges.length === 1)
    return (
      `Content-Type: ${mediaTypeOf(file.path)}\r\nContent-Range: ${contentRange(only, file.size)}\r\n` +
      `Content-Length: ${only.end - only.first}\r\n`
    );
  return (
    `Content-Type: multipart/byteranges; boundary=${boundaryOf(file)}\r\n` +
    `Content-Length: ${multipartBytes(file, ranges)}\r\n`
  );
}
