/** The six calls of the Linux C library that a TAP needs, through `koffi`. */
import type * as Koffi from "koffi";
import { HostError } from "./host-error.ts";

/** `errno` of the last call, as Linux numbers it. */
export const LINUX_ERROR = {
  notPermitted: 1,
  interrupted: 4,
  inputOutput: 5,
  again: 11,
  access: 13,
  busy: 16,
  invalid: 22,
} as const;

/** Calls by descriptor and address; every result below 0 means `errorNumber` says why. */
export interface TapLibrary {
  /** Reads one frame to `address`; bytes. */
  read(descriptor: number, address: number, bytes: number): number;
  /** Writes one frame from `address`; bytes. */
  write(descriptor: number, address: number, bytes: number): number;
  /** Writes one frame from `count` pieces that a vector at `vector` names; bytes. */
  writev(descriptor: number, vector: number, count: number): number;
  /** A request whose argument is a record. */
  ioctl(descriptor: number, request: number, record: Uint8Array): number;
  /** A descriptor that becomes readable when eight bytes are written to it. */
  eventfd(): number;
  /** Waits on another thread for one of `count` descriptors in `records`, at most `milliseconds`. */
  poll(records: Uint8Array, count: number, milliseconds: number, done: () => void): void;
  /** Why the last call failed. */
  errorNumber(): number;
  /** Where the first byte of `memory` lies; it may be used while `memory` is held. */
  address(memory: Uint8Array): number;
}

/** `O_NONBLOCK` and `O_CLOEXEC`, as flags of `eventfd`. */
const EVENT_FLAGS = 0o2004000;

const importKoffi = async (): Promise<typeof Koffi> => {
  try {
    return await import("koffi");
  } catch (error) {
    const words = "cannot open a TAP: the optional package koffi is not installed or does not load here";
    throw new HostError("Unsupported", words, error);
  }
};

const discard = (done: () => void) => (): void => done();

const bind = (koffi: typeof Koffi): TapLibrary => {
  const library = koffi.load(null);
  const call = (definition: string): ReturnType<Koffi.LibraryHandle["func"]> => library.func(definition);
  const eventfd = call("int eventfd(unsigned int value, int flags)");
  const poll = call("int poll(_Inout_ uint8_t *records, unsigned long count, int milliseconds)");
  return {
    read: call("int64_t read(int descriptor, uintptr_t address, size_t bytes)"),
    write: call("int64_t write(int descriptor, uintptr_t address, size_t bytes)"),
    writev: call("int64_t writev(int descriptor, uintptr_t vector, int count)"),
    ioctl: call("int ioctl(int descriptor, unsigned long request, _Inout_ uint8_t *record)"),
    eventfd: () => Number(eventfd(0, EVENT_FLAGS)),
    poll: (records, count, milliseconds, done) => {
      poll.async(records, count, milliseconds, discard(done));
    },
    errorNumber: () => koffi.errno(),
    address: (memory) => Number(koffi.address(memory)),
  };
};

/** Loads `koffi` and binds the calls; rejects with a `HostError` `Unsupported`. */
export const loadTapLibrary = async (): Promise<TapLibrary> => {
  if (process.platform !== "linux") {
    throw new HostError("Unsupported", `a TAP needs Linux; this host is ${process.platform}`);
  }
  return bind(await importKoffi());
};
