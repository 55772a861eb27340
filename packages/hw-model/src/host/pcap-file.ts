/** A sink that keeps a capture in a file of the host. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { ByteSink } from "../middleware/pcap.ts";
import { hostError } from "./host-error.ts";

/** Bytes held before they are written. */
const BUFFER_BYTES = 65_536;

/** Where a capture is written to. */
export interface PcapFile extends ByteSink {
  /** Appends `length` bytes of `bytes` from `at`, which are copied. Throws a `HostError` when the host cannot store them. */
  write(bytes: Uint8Array, at: number, length: number): void;
  /** Writes what is still held. */
  flush(): void;
  /** Writes what is still held and closes the file; later writes are dropped. */
  close(): void;
}

interface Held {
  readonly path: string;
  readonly buffer: Uint8Array;
  descriptor: number;
  used: number;
}

const store = (file: Held, bytes: Uint8Array, at: number, length: number): void => {
  try {
    for (let done = 0; done < length;) {
      done += writeSync(file.descriptor, bytes, at + done, length - done);
    }
  } catch (error) {
    throw hostError(`write the capture ${file.path}`, error);
  }
};

const flush = (file: Held): void => {
  const { used } = file;
  file.used = 0;
  if (used > 0 && file.descriptor >= 0) store(file, file.buffer, 0, used);
};

const append = (file: Held, bytes: Uint8Array, at: number, length: number): void => {
  file.buffer.set(bytes.subarray(at, at + length), file.used);
  file.used += length;
};

const write = (file: Held, bytes: Uint8Array, at: number, length: number): void => {
  if (file.descriptor < 0) return;
  if (file.used + length > BUFFER_BYTES) flush(file);
  if (length > BUFFER_BYTES) store(file, bytes, at, length);
  else append(file, bytes, at, length);
};

const close = (file: Held): void => {
  if (file.descriptor < 0) return;
  try {
    flush(file);
  } finally {
    closeSync(file.descriptor);
    file.descriptor = -1;
  }
};

const open = (path: string): number => {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw hostError(`write the capture ${path}`, error);
  }
};

/** Makes `path`, or empties it, for a capture. Throws a `HostError`: `NoSuchFile`, `NotPermitted`. */
export const openPcapFile = (path: string): PcapFile => {
  const file: Held = { path, buffer: new Uint8Array(BUFFER_BYTES), descriptor: open(path), used: 0 };
  return Object.freeze({
    write: (bytes: Uint8Array, at: number, length: number) => write(file, bytes, at, length),
    flush: () => flush(file),
    close: () => close(file),
  });
};
