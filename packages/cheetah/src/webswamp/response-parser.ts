/**
 * The head of a response (RFC 9112), as far as a client needs it that counts bytes.
 *
 * Heads up! What says where a body ends is RFC 9112 section 6.3.
 */
import { COLON, CR, LF, SPACE, TAB, matches, matchesAnyCase } from "../http/ascii.ts";

/** Longest head that is understood, bytes. */
export const RESPONSE_HEAD_BYTES = 16_384;

/** The body goes on until the connection ends. */
export const UNTIL_END = -1;

/** What `parse` says besides the length of a head. */
export const HEAD = { incomplete: 0, malformed: -1 } as const;

const NONE = -2;
const MOST_LENGTH = 2 ** 47;

/** One at a time: what `parse` found last. Reused; allocates nothing. */
export class ResponseParser {
  status = 0;
  /** Bytes of the body, or `UNTIL_END`. */
  bodyBytes = 0;
  /** The server keeps the connection. */
  keepsAlive = true;
  #length = NONE;
  #isChunked = false;

  /** Parses `bytes[0…length)`: the length of the head, or one of `HEAD`. A transfer coding is not understood. O(length). */
  parse(bytes: Uint8Array, length: number): number {
    let at = endOfLine(bytes, 0, length);
    if (at < 0) return length > RESPONSE_HEAD_BYTES ? HEAD.malformed : HEAD.incomplete;
    if (!this.#statusLine(bytes, lineEnd(bytes, at))) return HEAD.malformed;
    for (;;) {
      const end = endOfLine(bytes, at, length);
      if (end < 0) return length > RESPONSE_HEAD_BYTES ? HEAD.malformed : HEAD.incomplete;
      const last = lineEnd(bytes, end);
      if (last === at) return this.#conclude() ? end : HEAD.malformed;
      if (!this.#field(bytes, at, last)) return HEAD.malformed;
      at = end;
    }
  }

  #statusLine(bytes: Uint8Array, end: number): boolean {
    const minor = (bytes[7] ?? 0) - 48;
    if (end < 12 || !matches(bytes, 0, 7, "HTTP/1.") || minor < 0 || minor > 9 || bytes[8] !== SPACE)
      return false;
    this.status = wholeNumber(bytes, 9, 12);
    this.keepsAlive = minor > 0;
    this.#length = NONE;
    this.#isChunked = false;
    return this.status >= 100 && (end === 12 || bytes[12] === SPACE);
  }

  #field(bytes: Uint8Array, from: number, to: number): boolean {
    // Nearly all fields begin with another letter.
    const first = (bytes[from] ?? 0) | 32;
    if (first !== 99 && first !== 116) return true;
    const colon = bytes.indexOf(COLON, from);
    if (colon < 0 || colon > to) return false;
    const end = withoutBlanks(bytes, colon + 1, to);
    const start = afterBlanks(bytes, colon + 1, end);
    if (matchesAnyCase(bytes, from, colon, "content-length")) return this.#contentLength(bytes, start, end);
    if (matchesAnyCase(bytes, from, colon, "connection")) this.#connection(bytes, start, end);
    else if (matchesAnyCase(bytes, from, colon, "transfer-encoding")) this.#isChunked = true;
    return true;
  }

  #contentLength(bytes: Uint8Array, from: number, to: number): boolean {
    const value = wholeNumber(bytes, from, to);
    if (value < 0 || value > MOST_LENGTH || (this.#length !== NONE && this.#length !== value)) return false;
    this.#length = value;
    return true;
  }

  #connection(bytes: Uint8Array, from: number, to: number): void {
    if (matchesAnyCase(bytes, from, to, "close")) this.keepsAlive = false;
    else if (matchesAnyCase(bytes, from, to, "keep-alive")) this.keepsAlive = true;
  }

  #conclude(): boolean {
    const { status } = this;
    if (status < 200 || status === 204 || status === 304) this.bodyBytes = 0;
    else this.bodyBytes = this.#length === NONE ? UNTIL_END : this.#length;
    if (this.bodyBytes === UNTIL_END) this.keepsAlive = false;
    return !this.#isChunked;
  }
}

/** The offset behind the line feed that ends the line at `from`; -1 when there is none before `length`. */
function endOfLine(bytes: Uint8Array, from: number, length: number): number {
  const at = bytes.indexOf(LF, from);
  return at < 0 || at >= length ? -1 : at + 1;
}

/** Where the line ends whose line feed is before `end`. */
const lineEnd = (bytes: Uint8Array, end: number): number =>
  end >= 2 && bytes[end - 2] === CR ? end - 2 : end - 1;

/** The whole number that `bytes[from…to)` is; -1 when it is none. */
function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to <= from) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB;

function afterBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(bytes[at])) at += 1;
  return at;
}

function withoutBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (at > from && isBlank(bytes[at - 1])) at -= 1;
  return at;
}
