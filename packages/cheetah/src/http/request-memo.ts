/**
 * Requests that came before, byte for byte: what was read of them then holds now.
 *
 * Browsers and load generators send the same head again and again. One that fills what has
 * arrived exactly is looked up by all of its bytes, and need not be parsed. A head is
 * remembered when it comes the second time, so that heads which are all different cost
 * no memory. Nothing is guessed: only equal bytes are the same request.
 */
import type { Window } from "@exolith/exokernel/abi";
import type { SiteFile } from "../disk/site-file.ts";
import type { Request } from "./request.ts";

/** Heads that are remembered, each in the one place that its hash names. */
const PLACES = 256;
/** Longest head that is remembered, bytes. */
const HEAD_BYTES = 1024;

const PRIME = 0x0100_0193;
const OFFSET = 0x811c_9dc5 | 0;

/** A request without a body, and what answered it. */
export interface KnownRequest {
  readonly length: number;
  /** Its bytes, four to a little-endian word, the last ones filled up with zeros. */
  readonly words: Uint32Array;
  readonly request: Readonly<Request>;
  /** The file that is the whole answer in `generation` of the site; 0 for none. */
  file: SiteFile | undefined;
  generation: number;
}

/** The requests that a server remembers. */
export class RequestMemo {
  readonly #known = new Array<KnownRequest | undefined>(PLACES).fill(undefined);
  /** By place: the hash that came there last. */
  readonly #seen = new Int32Array(PLACES);
  #hash = 0;
  /** Requests that were found, and their bytes. */
  readonly counters: { found: number; foundBytes: number } = { found: 0, foundBytes: 0 };

  /** The request whose head is exactly `length` bytes of `window` at `at`; `guess` is tried first. O(length). */
  find(window: Window, at: number, length: number, guess?: KnownRequest): KnownRequest | undefined {
    if (guess !== undefined && isSame(guess, window, at, length)) return this.#count(guess);
    if (length > HEAD_BYTES) return undefined;
    this.#hash = hashOf(window, at, length);
    const known = this.#known[this.#hash & (PLACES - 1)];
    return known !== undefined && isSame(known, window, at, length) ? this.#count(known) : undefined;
  }

  #count(known: KnownRequest): KnownRequest {
    this.counters.found += 1;
    this.counters.foundBytes += known.length;
    return known;
  }

  /** What `find` has just not found was a whole request without a body. Remembers it if its like came before. O(length). */
  note(window: Window, at: number, length: number, request: Request): KnownRequest | undefined {
    if (length > HEAD_BYTES) return undefined;
    const place = this.#hash & (PLACES - 1);
    const isSecond = this.#seen[place] === this.#hash;
    this.#seen[place] = this.#hash;
    if (!isSecond) return undefined;
    const words = wordsOf(window, at, length);
    const known = { length, words, request: Object.freeze({ ...request }), file: undefined, generation: 0 };
    this.#known[place] = known;
    return known;
  }
}

/** The last one to three bytes of `length` at `at`, as a word. */
function lastWord(window: Window, at: number, length: number): number {
  let word = 0;
  for (let i = length & ~3; i < length; i++) word |= window.getU8(at + i) << (8 * (i & 3));
  return word >>> 0;
}

function isSame({ length: bytes, words }: KnownRequest, window: Window, at: number, length: number): boolean {
  if (bytes !== length) return false;
  const whole = length >>> 2;
  for (let i = 0; i < whole; i++) if (window.getU32LE(at + 4 * i) !== words[i]) return false;
  return (length & 3) === 0 || lastWord(window, at, length) === words[whole];
}

function hashOf(window: Window, at: number, length: number): number {
  let hash = OFFSET ^ length;
  for (let i = 0; i + 4 <= length; i += 4) hash = mixed(hash, window.getU32LE(at + i));
  return mixed(hash, lastWord(window, at, length));
}

const mixed = (hash: number, word: number): number => {
  const product = Math.imul(hash ^ word, PRIME);
  return product ^ (product >>> 15);
};

function wordsOf(window: Window, at: number, length: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < length >>> 2; i++) words[i] = window.getU32LE(at + 4 * i);
  if ((length & 3) !== 0) words[words.length - 1] = lastWord(window, at, length);
  return words;
}
