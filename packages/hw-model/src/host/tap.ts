/** A network interface whose link ends in the Linux kernel: a TAP. */
import { closeSync, writeSync } from "node:fs";
import type { Nic, NicCounters, NicHardware, PhysicalGather } from "../nic.ts";
import { NEVER } from "../units.ts";
import type { Cycles } from "../units.ts";
import { HOST_HERTZ } from "./clock.ts";
import { attachTap, checkTapOptions } from "./tap-attach.ts";
import type { TapOptions } from "./tap-attach.ts";
import { LINUX_ERROR, loadTapLibrary } from "./tap-library.ts";
import type { TapLibrary } from "./tap-library.ts";
import { silentWaker } from "./waker.ts";
import type { Waker } from "./waker.ts";

/** `struct pollfd`: descriptor, events asked for, events found. */
const POLL_BYTES = 8,
  POLL_EVENTS_AT = 4,
  POLL_FOUND_AT = 6,
  POLLIN = 1;

/** `struct iovec` on a 64-bit host: address, length. */
const VECTOR_BYTES = 16;

/** Pieces one frame may have. */
const VECTOR_PIECES = 64;

/** Frames that Linux queues towards us (TUN_READQ_SIZE), and a round figure for the way out. */
const QUEUE_FRAMES = 500;

/** One wait of the background thread; the host process cannot end sooner after a crash. */
const POLL_MILLISECONDS = 500;

/** After an empty read the next is tried this much later, unless the background thread saw a frame. */
const RETRY_CYCLES = HOST_HERTZ / 50_000;

/** A network interface on a TAP. */
export interface TapNic extends Nic {
  /** Name of the kernel's end. */
  readonly name: string;
  /** Takes the interface down; resolves when nothing of it keeps the host process alive. */
  close(): Promise<void>;
}

interface Tap {
  readonly linux: TapLibrary;
  readonly descriptor: number;
  /** Written to when the background thread should stop waiting. */
  readonly bell: number;
  readonly hardware: NicHardware;
  readonly counters: NicCounters;
  readonly waker: Waker;
  /** The memory last used and where it lies; held, so that it cannot move or go away. */
  memory: Uint8Array | undefined;
  base: number;
  readonly vector: DataView;
  readonly vectorAt: number;
  readonly polls: DataView;
  /** The background thread waits. */
  watching: boolean;
  /** A frame may be there: read without waiting for the background thread. */
  mayRead: boolean;
  retryAt: number;
  /** The kernel's interface was removed: nothing will ever arrive. */
  dead: boolean;
  closed: boolean;
  gone: () => void;
}

const baseOf = (tap: Tap, memory: Uint8Array): number => {
  if (tap.memory !== memory) {
    tap.base = tap.linux.address(memory);
    tap.memory = memory;
  }
  return tap.base;
};

const checkRange = (memory: Uint8Array, at: number, bytes: number): void => {
  if (at >= 0 && bytes >= 0 && at + bytes <= memory.length) return;
  throw new RangeError(`no memory for ${bytes} bytes at ${at}`);
};

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

const watchEnded = (tap: Tap): void => {
  tap.watching = false;
  if (tap.closed) return release(tap);
  const found = tap.polls.getInt16(POLL_FOUND_AT, true);
  tap.dead = (found & ~POLLIN) !== 0;
  if ((found & POLLIN) === 0) return watch(tap);
  tap.mayRead = true;
  tap.waker.wake();
};

/** Has the background thread tell when a frame arrives; one wait at a time. */
const watch = (tap: Tap): void => {
  if (tap.watching || tap.closed || tap.dead) return;
  tap.watching = true;
  tap.polls.setInt16(POLL_FOUND_AT, 0, true);
  tap.linux.poll(bytesOf(tap.polls), 2, POLL_MILLISECONDS, () => watchEnded(tap));
};

const release = (tap: Tap): void => {
  closeSync(tap.descriptor);
  closeSync(tap.bell);
  tap.memory = undefined;
  tap.gone();
};

const nothingThere = (tap: Tap, now: Cycles): number => {
  tap.mayRead = false;
  tap.retryAt = now + RETRY_CYCLES;
  watch(tap);
  return 0;
};

const receive = (tap: Tap, now: Cycles, memory: Uint8Array, at: number): number => {
  if (tap.closed || (!tap.mayRead && now < tap.retryAt)) return 0;
  checkRange(memory, at, tap.hardware.frameBytes);
  const bytes = tap.linux.read(tap.descriptor, baseOf(tap, memory) + at, tap.hardware.frameBytes);
  if (bytes <= 0) return nothingThere(tap, now);
  tap.mayRead = true;
  tap.counters.received++;
  tap.counters.receivedBytes += bytes;
  return bytes;
};

const setPiece = (tap: Tap, index: number, address: number, bytes: number): void => {
  const at = index * VECTOR_BYTES;
  tap.vector.setUint32(at, address >>> 0, true);
  tap.vector.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
  tap.vector.setUint32(at + 8, bytes, true);
};

const writeGather = (tap: Tap, memory: Uint8Array, gather: PhysicalGather): number => {
  const base = baseOf(tap, memory);
  for (let i = 0; i < gather.count; i++) {
    const at = gather.addresses[i] ?? 0;
    const bytes = gather.lengths[i] ?? 0;
    checkRange(memory, at, bytes);
    setPiece(tap, i, base + at, bytes);
  }
  return tap.linux.writev(tap.descriptor, tap.vectorAt, gather.count);
};

const checkGather = (tap: Tap, gather: PhysicalGather): void => {
  if (gather.count > VECTOR_PIECES) throw new RangeError(`a frame has at most ${VECTOR_PIECES} pieces`);
  if (gather.length > tap.hardware.frameBytes) throw new RangeError("the frame is too long");
};

/** Only a full queue refuses a frame: one that the other end will not have (it is down) is lost, as on a cable. */
const isFull = (tap: Tap, written: number): boolean =>
  written < 0 && tap.linux.errorNumber() === LINUX_ERROR.again;

const transmit = (tap: Tap, memory: Uint8Array, gather: PhysicalGather): boolean => {
  checkGather(tap, gather);
  if (!tap.closed && isFull(tap, writeGather(tap, memory, gather))) {
    tap.counters.transmitRefused++;
    return false;
  }
  tap.counters.transmitted++;
  tap.counters.transmittedBytes += gather.length;
  return true;
};

const close = (tap: Tap): Promise<void> =>
  new Promise((resolve) => {
    if (tap.closed) return resolve();
    tap.closed = true;
    tap.gone = resolve;
    if (tap.watching) writeSync(tap.bell, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    else release(tap);
  });

const makePolls = (descriptor: number, bell: number): DataView => {
  const polls = new DataView(new ArrayBuffer(2 * POLL_BYTES));
  polls.setInt32(0, descriptor, true);
  polls.setInt16(POLL_EVENTS_AT, POLLIN, true);
  polls.setInt32(POLL_BYTES, bell, true);
  polls.setInt16(POLL_BYTES + POLL_EVENTS_AT, POLLIN, true);
  return polls;
};

const makeHardware = (address: readonly number[], frameBytes: number): NicHardware =>
  Object.freeze({
    address: Object.freeze([...address]),
    frameBytes,
    receiveSlots: QUEUE_FRAMES,
    transmitSlots: QUEUE_FRAMES,
    bitsPerSecond: Infinity,
  });

const makeCounters = (): NicCounters => ({
  received: 0,
  receivedBytes: 0,
  transmitted: 0,
  transmittedBytes: 0,
  receiveDropped: 0,
  transmitRefused: 0,
});

const makeTap = (linux: TapLibrary, descriptor: number, options: TapOptions): Tap => {
  const bell = linux.eventfd();
  const vector = new DataView(new ArrayBuffer(VECTOR_PIECES * VECTOR_BYTES));
  return {
    linux,
    descriptor,
    bell,
    hardware: makeHardware(options.address, options.frameBytes ?? 1514),
    counters: makeCounters(),
    waker: options.waker ?? silentWaker,
    memory: undefined,
    base: 0,
    vector,
    vectorAt: linux.address(bytesOf(vector)),
    polls: makePolls(descriptor, bell),
    watching: false,
    mayRead: true,
    retryAt: 0,
    dead: false,
    closed: false,
    gone: () => {},
  };
};

const makeNic = (tap: Tap, name: string): TapNic =>
  Object.freeze({
    name,
    hardware: tap.hardware,
    counters: tap.counters,
    receive: (now: Cycles, memory: Uint8Array, at: number) => receive(tap, now, memory, at),
    transmit: (_now: Cycles, memory: Uint8Array, gather: PhysicalGather) => transmit(tap, memory, gather),
    flush: () => {},
    wakeAt: (now: Cycles): Cycles => (tap.mayRead && !tap.closed ? now : NEVER),
    close: () => close(tap),
  });

/**
 * Attaches to a TAP interface of the Linux kernel.
 *
 * One system call a frame and direction, straight from and to physical memory,
 * never waiting. While `receive` finds nothing a thread of the host waits for
 * frames. Whoever made the interface gives it its addresses and brings it up;
 * until then what is transmitted is lost. Linux counts the frames that it could
 * not queue for us itself (`tx_dropped`), so `receiveDropped` stays 0.
 *
 * Rejects with a `HostError`: `Unsupported` (not Linux, no `koffi`, no
 * `/dev/net/tun`), `NotPermitted`, `Busy`, `BadArgument`.
 */
export const openTap = async (options: TapOptions): Promise<TapNic> => {
  checkTapOptions(options);
  const linux = await loadTapLibrary();
  const tap = makeTap(linux, attachTap(linux, options.name), options);
  watch(tap);
  return makeNic(tap, options.name);
};
