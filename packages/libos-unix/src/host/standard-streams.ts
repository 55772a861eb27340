/** The host's standard streams, as a program's. */
import { fstatSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";
import { refuseHost } from "./host-errno.ts";
import { AGAIN, INPUT_RIGHTS, OUTPUT_RIGHTS, type Stream } from "../descriptor/stream.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE, type FileType } from "../wasi/layout.ts";

/** Bytes of input that are held before the host's stream is paused. */
const INPUT_BYTES = 65_536;
/** Milliseconds after which an output that was full is tried again: nobody says when it is not. */
const RETRY_MILLISECONDS = 1;
/** Bytes that an output is said to take. */
const OUTPUT_BYTES = 65_536;

/** What a descriptor of the host is, as programs see it. */
export function hostFileType(descriptor: number): FileType {
  if (isatty(descriptor)) return FILE_TYPE.characterDevice;
  try {
    const stats = fstatSync(descriptor);
    if (stats.isFile()) return FILE_TYPE.regularFile;
    return stats.isCharacterDevice() ? FILE_TYPE.characterDevice : FILE_TYPE.unknown;
  } catch {
    return FILE_TYPE.unknown;
  }
}

/** Input that comes when it comes. */
class HostInput implements Stream {
  readonly fileType: FileType;
  readonly rights = INPUT_RIGHTS;
  readonly #source: Readable;
  readonly #wake: () => void;
  readonly #chunks: Uint8Array[] = [];
  #held = 0;
  /** Bytes of the first chunk that were read. */
  #read = 0;
  #isEnded = false;
  #isOpened = false;

  constructor(source: Readable, fileType: FileType, wake: () => void) {
    this.#source = source;
    this.fileType = fileType;
    this.#wake = wake;
  }

  /** Nothing is taken from the host before the program wants it. */
  #open(): void {
    if (this.#isOpened) return;
    this.#isOpened = true;
    this.#source.on("data", this.#take);
    this.#source.on("end", this.#end);
    this.#source.on("error", this.#end);
  }

  readonly #take = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held >= INPUT_BYTES) this.#source.pause();
    this.#wake();
  };

  readonly #end = (): void => {
    this.#isEnded = true;
    this.#wake();
  };

  read(into: Uint8Array, at: number, length: number): number {
    const there = this.readable();
    if (there <= 0) return there;
    let count = 0;
    while (count < length && this.#chunks.length > 0) count += this.#move(into, at + count, length - count);
    if (this.#held < INPUT_BYTES) this.#source.resume();
    return count;
  }

  #move(into: Uint8Array, at: number, length: number): number {
    const chunk = this.#chunks[0] ?? new Uint8Array(0);
    const piece = chunk.subarray(this.#read, this.#read + length);
    into.set(piece, at);
    this.#read += piece.length;
    this.#held -= piece.length;
    if (this.#read === chunk.length) {
      this.#chunks.shift();
      this.#read = 0;
    }
    return piece.length;
  }

  write(): number {
    return refuse("badf");
  }

  readable(): number {
    this.#open();
    return this.#held > 0 || this.#isEnded ? this.#held : AGAIN;
  }

  writable(): number {
    return refuse("badf");
  }

  close(): void {
    this.#source.off("data", this.#take);
    this.#source.off("end", this.#end);
    this.#source.off("error", this.#end);
    this.#source.pause();
  }
}

/** A stream of the host as input; `wake` is called when there is something to read, or the end. */
export const openHostInput = (source: Readable, fileType: FileType, wake: () => void): Stream =>
  new HostInput(source, fileType, wake);

/**
 * A descriptor of the host as output, written at once and in order.
 *
 * `wake` is called some time after it was full.
 */
export function openHostOutput(descriptor: number, wake: () => void): Stream {
  let isFull = false;
  const retry = (): void => {
    isFull = false;
    wake();
  };
  const write = (from: Uint8Array, at: number, length: number): number => {
    if (isFull) return AGAIN;
    try {
      return writeSync(descriptor, from, at, length);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN") return refuseHost(code ?? "EIO");
      isFull = true;
      setTimeout(retry, RETRY_MILLISECONDS);
      return AGAIN;
    }
  };
  return {
    fileType: hostFileType(descriptor),
    rights: OUTPUT_RIGHTS,
    read: () => refuse("badf"),
    write,
    readable: () => refuse("badf"),
    writable: () => (isFull ? AGAIN : OUTPUT_BYTES),
    close: () => undefined,
  };
}
