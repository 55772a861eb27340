/** The access log: one line a request, in the common log format. */
import type { Window } from "@exolith/exokernel/abi";
import { latin1Bytes } from "../http/ascii.ts";
import { formatLogDate } from "../http/http-date.ts";
import type { Request } from "../http/request.ts";

/** Takes bytes of whole or partial lines from `window`; returns how many it took. */
export type LogSink = (window: Window, at: number, length: number) => number;

/**
 * Lines on their way to a sink: a ring of bytes in the server's own frames.
 *
 * A line that finds no room is dropped and counted; logging never holds up a request.
 */
export class AccessLog {
  readonly #window: Window;
  readonly #sink: LogSink;
  #taken = 0;
  #filled = 0;
  #dropped = 0;
  #second = -1;
  #date = "";

  constructor(window: Window, sink: LogSink) {
    this.#window = window;
    this.#sink = sink;
  }

  /** Lines dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that the sink has not taken. */
  get waiting(): number {
    return this.#filled - this.#taken;
  }

  /** Adds a line; `request` is absent when its first line could not be read. `now` in milliseconds. O(line). */
  add(address: number, request: Request | undefined, status: number, bytes: number, now: number): void {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = formatLogDate(now);
    }
    const line = `${dotted(address)} - - [${this.#date}] "${requestLine(request)}" ${status} ${bytes || "-"}\n`;
    this.#append(latin1Bytes(line));
  }

  /** Gives the sink what it takes; true if it took all it was offered and there is more. */
  poll(): boolean {
    if (this.waiting === 0) return false;
    const at = this.#taken % this.#window.length;
    const length = Math.min(this.waiting, this.#window.length - at);
    const took = this.#sink(this.#window, at, length);
    this.#taken += Math.max(0, Math.min(took, length));
    return took === length && this.waiting > 0;
  }

  #append(line: Uint8Array): void {
    if (line.length > this.#window.length - this.waiting) {
      this.#dropped += 1;
      return;
    }
    const at = this.#filled % this.#window.length;
    const first = Math.min(line.length, this.#window.length - at);
    this.#window.write(at, line, 0, first);
    this.#window.write(0, line, first, line.length - first);
    this.#filled += line.length;
  }
}

const dotted = (address: number): string =>
  `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;

/** The request line; what could end the quotation or the line is escaped. */
const requestLine = (request: Request | undefined): string => {
  if (request === undefined) return "-";
  if (request.line !== "") return escaped(request.line);
  return `${request.method} ${escaped(request.target)} HTTP/1.${request.minor}`;
};

const UNSAFE = /[^ !#-[\]-~]/g;

/** `text` in visible ASCII: a backslash before a backslash and a quotation mark, `\xNN` for all that is not visible. */
const escaped = (text: string): string =>
  text.replace(UNSAFE, (character) =>
    character === '"' || character === "\\"
      ? `\\${character}`
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
