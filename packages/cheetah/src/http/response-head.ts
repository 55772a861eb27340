/** Response heads (RFC 9112 section 4): preformatted, with the date patched once a second. */
import { entityTag } from "../disk/site-file.ts";
import type { SiteFile } from "../disk/site-file.ts";
import type { Answer } from "./answer.ts";
import { latin1Bytes, putText } from "./ascii.ts";
import { ERROR_PAGE_TYPE, errorPage } from "./error-page.ts";
import { formatHttpDate } from "./http-date.ts";
import { mediaTypeOf } from "./media-types.ts";
import { ALLOWED } from "./method.ts";
import { boundaryOf, multipartBytes } from "./multipart.ts";
import { contentRange } from "./ranges.ts";
import { PHRASES } from "./status.ts";

/** Bytes of the longest head: a redirect from the longest target, every octet of it escaped. */
export const HEAD_BYTES = 65_536;

/** How the connection goes on after a response. */
export type Persistence = "keep" | "keep-named" | "close";

/** Writes response heads into one buffer of its own. */
export class HeadWriter {
  /** What was written last, from 0. */
  readonly bytes: Uint8Array = new Uint8Array(HEAD_BYTES);
  #second = -1;
  #date = "";
  readonly #ok: Uint8Array = latin1Bytes(`HTTP/1.1 200 OK\r\nServer: Cheetah\r\nDate: ${" ".repeat(29)}\r\n`);

  /** Writes the head of `answer`, and the body of one that has no file; returns its length in bytes. */
  write(answer: Answer, persistence: Persistence, now: number): number {
    this.#tick(now);
    let at = answer.status === 200 ? this.#putOk() : this.#putStatus(answer);
    at = this.#putFields(at, answer, now);
    if (persistence === "close") at = putText(this.bytes, at, "Connection: close\r\n");
    else if (persistence === "keep-named") at = putText(this.bytes, at, "Connection: keep-alive\r\n");
    at = putText(this.bytes, at, "\r\n");
    return hasPage(answer) && !answer.headOnly ? this.#put(at, errorPage(answer.status)) : at;
  }

  #tick(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = formatHttpDate(second * 1000);
    putText(this.#ok, this.#ok.length - 31, this.#date);
  }

  #put(at: number, bytes: Uint8Array): number {
    this.bytes.set(bytes, at);
    return at + bytes.length;
  }

  #putOk(): number {
    return this.#put(0, this.#ok);
  }

  #putStatus(answer: Answer): number {
    const line = `HTTP/1.1 ${answer.status} ${PHRASES[answer.status]}\r\nServer: Cheetah\r\nDate: ${this.#date}\r\n`;
    return putText(this.bytes, 0, line);
  }

  #putFields(at: number, answer: Answer, now: number): number {
    const { file, status } = answer;
    if (status === 200 && file !== undefined) {
      file.head ??= latin1Bytes(validators(file, now) + wholeFields(file));
      return this.#put(at, file.head);
    }
    return putText(this.bytes, at, otherFields(answer, now));
  }
}

/** True when the answer carries one of the pages of `errorPage`. */
export const hasPage = (answer: Answer): boolean =>
  answer.status !== 200 && answer.status !== 206 && answer.status !== 304;

function otherFields(answer: Answer, now: number): string {
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

/** A time of change that lies ahead is not sent (RFC 9110 section 8.8.2.1). */
const validators = (file: SiteFile, now: number): string =>
  `Last-Modified: ${formatHttpDate(Math.min(file.modified, now))}\r\nETag: ${entityTag(file)}\r\nAccept-Ranges: bytes\r\n`;

const wholeFields = (file: SiteFile): string =>
  `Content-Type: ${mediaTypeOf(file.path)}\r\nContent-Length: ${file.size}\r\n`;

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
