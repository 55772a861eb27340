/** The host's console: a file descriptor out, a stream in. */
import { writeSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Console } from "../console.ts";
import { makeByteQueue } from "./byte-queue.ts";
import type { ByteQueue } from "./byte-queue.ts";
import { hostCode } from "./host-error.ts";
import { silentWaker } from "./waker.ts";
import type { Waker } from "./waker.ts";

/** Bytes of input held before the host's stream is paused. */
const INPUT_BYTES = 65_536;

/** Where the bytes of a console go and come from. */
export interface HostConsoleOptions {
  /** File descriptor written to; 1, the standard output, unless given. */
  readonly output?: number;
  /** Read in the background, `process.stdin` for example; no input unless given. */
  readonly input?: Readable;
  /** Woken when input arrives. */
  readonly waker?: Waker;
}

/** A console that holds the host's input open until it is closed. */
export interface HostConsole extends Console {
  /** Stops reading; the host process may then end. */
  close(): void;
}

/** True if trying again later may help. */
const isFull = (error: unknown): boolean => hostCode(error) === "EAGAIN";

/**
 * Writes to a descriptor: 0 when it is full for now.
 *
 * When nobody can ever read it (EPIPE, EBADF, EIO) the bytes are taken and
 * lost, as on a serial line with nothing plugged in.
 */
const makeWriter = (output: number): Console["write"] => {
  return (memory, at, length) => {
    try {
      return writeSync(output, memory, at, length);
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return isFull(error) ? 0 : length;
    }
  };
};

interface Feed {
  read: Console["read"];
  close(): void;
}

const noInput: Feed = { read: () => 0, close: () => {} };

const listen = (input: Readable, queue: ByteQueue, waker: Waker): (() => void) => {
  const arrived = (chunk: Buffer | string): void => {
    queue.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    if (queue.length() >= INPUT_BYTES) input.pause();
    waker.wake();
  };
  const failed = (): void => {};
  input.on("data", arrived);
  input.on("error", failed);
  return () => {
    input.off("data", arrived);
    input.pause();
  };
};

const makeFeed = (input: Readable, waker: Waker): Feed => {
  const queue = makeByteQueue();
  const close = listen(input, queue, waker);
  const read: Console["read"] = (memory, at, length) => {
    const moved = queue.read(memory, at, length);
    if (moved > 0 && queue.length() < INPUT_BYTES / 2 && input.isPaused()) input.resume();
    return moved;
  };
  return { read, close };
};

/** A console over the host's own. Writing may block if the descriptor does; reading never blocks. */
export const makeHostConsole = (options: HostConsoleOptions = {}): HostConsole => {
  const { output = 1, input, waker = silentWaker } = options;
  const feed = input === undefined ? noInput : makeFeed(input, waker);
  return Object.freeze({ write: makeWriter(output), read: feed.read, close: feed.close });
};
