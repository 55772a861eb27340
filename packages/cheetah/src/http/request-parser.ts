/**
 * An incremental parser of HTTP/1.0 and HTTP/1.1 request heads (RFC 9112).
 *
 * Heads up! Read RFC 9112 sections 2.2, 3, 5 and 11.2 before editing this file:
 * what two parsers read differently is how requests are smuggled. Lines end
 * with CR LF and nothing else.
 */
import { CR, LF } from "./ascii.ts";
import { checkFields, parseHeaderField } from "./header-field.ts";
import { endlessLineStatus, keepLine, parseRequestLine } from "./request-line.ts";
import type { Request } from "./request.ts";
import { makeRequest, resetRequest } from "./request.ts";
import type { Limits } from "../limits.ts";
import type { Status } from "./status.ts";

/** What `parse` found: more bytes are needed, a whole head, or a reason to refuse it. */
export type ParseResult = "incomplete" | "complete" | "refused";

/** Empty lines that are skipped before a request line (RFC 9112 section 2.2). */
const LEADING_LINES = 2;

/**
 * The state of one request head under way.
 *
 * The head begins at offset 0 of the bytes given to `parse`; each call is given
 * the same bytes and possibly more of them. Every byte is looked at a bounded number of times.
 */
export class RequestParser {
  /** What has been read; complete when `parse` says so. */
  readonly request: Request = makeRequest();
  readonly #limits: Limits;
  #lineAt = 0;
  #scanned = 0;
  #leading = 0;
  #sectionAt = -1;
  #fields = 0;
  #status: Status | 0 = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Bytes of the lines that were read to their ends: of the head, its last empty line included, once complete. */
  get length(): number {
    return this.#lineAt;
  }

  /** Why it was refused; 0 when it was not. */
  get status(): Status | 0 {
    return this.#status;
  }

  /** True when the request line has been read. */
  get hasRequestLine(): boolean {
    return this.#sectionAt >= 0;
  }

  /** Forgets everything, for the next request. O(1). */
  reset(): void {
    resetRequest(this.request);
    this.#lineAt = 0;
    this.#scanned = 0;
    this.#leading = 0;
    this.#sectionAt = -1;
    this.#fields = 0;
    this.#status = 0;
  }

  /** Reads on in `bytes[0…filled)`. O(new bytes). */
  parse(bytes: Uint8Array, filled: number): ParseResult {
    for (;;) {
      const lineFeed = bytes.indexOf(LF, this.#scanned);
      if (lineFeed < 0 || lineFeed >= filled) return this.#unfinished(bytes, filled);
      const line = this.#lineAt;
      this.#lineAt = this.#scanned = lineFeed + 1;
      const result = this.#line(bytes, line, lineFeed);
      if (result !== "incomplete") return result;
    }
  }

  /** One octet more than the limit may be the CR of a line's end. */
  #unfinished(bytes: Uint8Array, filled: number): ParseResult {
    this.#scanned = filled;
    if (this.#sectionAt >= 0)
      return filled - this.#sectionAt > this.#limits.headerBytes + 1 ? this.#refuse(431) : "incomplete";
    if (filled - this.#lineAt <= this.#limits.requestLineBytes + 1) return "incomplete";
    keepLine(bytes, this.#lineAt, filled, this.request);
    return this.#refuse(endlessLineStatus(bytes, this.#lineAt));
  }

  #line(bytes: Uint8Array, from: number, lineFeed: number): ParseResult {
    if (lineFeed === from || bytes[lineFeed - 1] !== CR) {
      if (this.#sectionAt < 0) keepLine(bytes, from, lineFeed, this.request);
      return this.#refuse(400);
    }
    const to = lineFeed - 1;
    if (this.#sectionAt < 0) return this.#requestLine(bytes, from, to);
    if (to === from) return this.#end();
    if (lineFeed + 1 - this.#sectionAt > this.#limits.headerBytes) return this.#refuse(431);
    if (++this.#fields > this.#limits.headerFields) return this.#refuse(431);
    return this.#proceed(parseHeaderField(bytes, from, to, this.request));
  }

  #requestLine(bytes: Uint8Array, from: number, to: number): ParseResult {
    if (to === from) return ++this.#leading > LEADING_LINES ? this.#refuse(400) : "incomplete";
    const isLong = to - from > this.#limits.requestLineBytes;
    const status = isLong ? endlessLineStatus(bytes, from) : parseRequestLine(bytes, from, to, this.request);
    if (status !== 0) keepLine(bytes, from, to, this.request);
    if (status === 0) this.#sectionAt = this.#lineAt;
    return this.#proceed(status);
  }

  #end(): ParseResult {
    const status = checkFields(this.request);
    return status === 0 ? "complete" : this.#refuse(status);
  }

  #proceed(status: Status | 0): ParseResult {
    return status === 0 ? "incomplete" : this.#refuse(status);
  }

  #refuse(status: Status): "refused" {
    this.#status = status;
    return "refused";
  }
}
