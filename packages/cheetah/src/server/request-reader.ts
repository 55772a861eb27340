/** From the bytes of a connection to request heads: what is not finished is kept in a buffer. */
import type { Window } from "@exolith/exokernel/abi";
import { RequestParser } from "../http/request-parser.ts";
import type { ParseResult } from "../http/request-parser.ts";
import type { KnownRequest, RequestMemo } from "../http/request-memo.ts";
import type { Request } from "../http/request.ts";
import { requestBytes } from "../limits.ts";
import type { Limits } from "../limits.ts";

/** Bytes looked at before a request counts as unfinished; most requests are shorter. */
const SCRATCH_BYTES = 2048;

/** Buffers for unfinished requests: one a connection, only while it has one. */
export class RequestBuffers {
  /** For requests that arrive whole. */
  readonly scratch: Uint8Array = new Uint8Array(SCRATCH_BYTES);
  readonly #bytes: number;
  readonly #free: Uint8Array[] = [];
  #inUse = 0;

  constructor(limits: Limits) {
    this.#bytes = requestBytes(limits) + SCRATCH_BYTES;
  }

  /** Buffers in use. */
  get inUse(): number {
    return this.#inUse;
  }

  /** A buffer, with whatever is in it. */
  take(): Uint8Array {
    this.#inUse += 1;
    return this.#free.pop() ?? new Uint8Array(this.#bytes);
  }

  /** Gives a buffer back. */
  give(buffer: Uint8Array): void {
    this.#inUse -= 1;
    this.#free.push(buffer);
  }
}

/** The requests of one connection. */
export class RequestReader {
  readonly parser: RequestParser;
  readonly #memo: RequestMemo | undefined;
  /** What the last request was, if it is remembered. */
  #known: KnownRequest | undefined;
  readonly #buffers: RequestBuffers;
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #result: ParseResult = "incomplete";
  /** The request is `#known`, and was not parsed. */
  #isKnown = false;

  constructor(limits: Limits, buffers: RequestBuffers, memo: RequestMemo | undefined) {
    this.parser = new RequestParser(limits);
    this.#buffers = buffers;
    this.#memo = memo;
  }

  /** The request that was read. */
  get request(): Readonly<Request> {
    return this.#isKnown ? this.#known!.request : this.parser.request;
  }

  /** True when the request line has been read. */
  get hasRequestLine(): boolean {
    return this.#isKnown || this.parser.hasRequestLine;
  }

  /** What is remembered of the request that was read, if anything is. */
  get known(): KnownRequest | undefined {
    return this.#isKnown ? this.#known : undefined;
  }

  /** True while a request has begun and not ended; empty lines before it are no beginning. */
  get begun(): boolean {
    return this.#buffer !== undefined && (this.parser.hasRequestLine || this.#filled > this.parser.length);
  }

  /** What the last `read` came to. */
  get result(): ParseResult {
    return this.#result;
  }

  /** Forgets the request. */
  reset(): void {
    if (!this.#isKnown) this.parser.reset();
    this.#isKnown = false;
    this.#result = "incomplete";
    this.#filled = 0;
    if (this.#buffer !== undefined) this.#buffers.give(this.#buffer);
    this.#buffer = undefined;
  }

  /** Reads on; returns how many bytes belonged to the head. Not to be called once `result` is decided. O(length). */
  read(window: Window, at: number, length: number): number {
    return this.#buffer === undefined
      ? this.#begin(window, at, length)
      : this.#continue(this.#buffer, window, at, length);
  }

  #begin(window: Window, at: number, length: number): number {
    const known = this.#memo?.find(window, at, length, this.#known);
    if (known !== undefined) return this.#take(known);
    const { scratch } = this.#buffers;
    const count = Math.min(length, scratch.length);
    window.read(at, scratch, 0, count);
    this.#result = this.parser.parse(scratch, count);
    if (this.#result === "complete") return this.#complete(window, at, length);
    if (this.#result === "refused") return count;
    this.#buffer = this.#buffers.take();
    this.#buffer.set(scratch.subarray(0, count));
    this.#filled = count;
    return count;
  }

  #take(known: KnownRequest): number {
    this.#known = known;
    this.#isKnown = true;
    this.#result = "complete";
    return known.length;
  }

  #complete(window: Window, at: number, length: number): number {
    const { parser } = this;
    if (parser.length === length && parser.request.contentLength <= 0 && !parser.request.chunked)
      this.#known = this.#memo?.note(window, at, length, parser.request) ?? this.#known;
    return parser.length;
  }

  #continue(buffer: Uint8Array, window: Window, at: number, length: number): number {
    const count = Math.min(length, buffer.length - this.#filled);
    window.read(at, buffer, this.#filled, count);
    const before = this.#filled;
    this.#filled += count;
    this.#result = this.parser.parse(buffer, this.#filled);
    return this.#result === "complete" ? this.parser.length - before : count;
  }
}
