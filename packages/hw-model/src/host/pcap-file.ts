/** A sink that keeps a capture in a file of the host. */
import { closeSync, openSync, writeSync } from "node:fs";
import { hostError } from "./host-error.ts";

/** Bytes held before they are written. */
const BUFFER_BYTES = 65_536;

/** Where a capture is written to. */
export interface PcapFile {
  /** Appends bytes, which are copied. Throws a `HostError` when the host cannot store them. */
  write(bytes: Uint8Array): void;
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

const store = (file: Held, bytes: Uint8Array, length: number): void => {
  try {
    for (let at = 0; at < length; ) at += writeSync(file.descriptor, bytes, at, length - at);
  } catch (error) {
    throw hostError(`write the capture ${file.path}`, error);
  }
};

const flush = (file: Held): void => {
  const { used } = file;
  file.used = 0;
  if (used > 0 && file.descriptor >= 0) store(file, file.buffer, used);
};

const write = (file: Held, bytes: Uint8Array): void => {
  if (file.descriptor < 0) return;
  if (file.used + bytes.length > BUFFER_BYTES) flush(file);
  if (bytes.length > BUFFER_BYTES) return store(file, bytes, bytes.length);
  file.buffer.set(bytes, file.used);
  file.used += bytes.length;
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
    write: (bytes: Uint8Array) => write(file, bytes),
    flush: () => flush(file),
    close: () => close(file),
  });
};
