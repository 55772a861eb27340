/** A network interface whose link ends in the Linux kernel: a TAP. */
import { closeSync } from "node:fs";
import type { Nic, NicClock, NicCounters, NicHardware, PhysicalGather } from "../nic.ts";
import { SUPER_SEGMENT_BYTES } from "../offload/segment-cutter.ts";
import { copyBytes } from "../simulated/frame-slots.ts";
import { NEVER } from "../units.ts";
import type { Cycles } from "../units.ts";
import { makeArrivals, type Arrivals } from "./arrivals.ts";
import { HOST_HERTZ } from "./clock.ts";
import { LINUX_ERROR, loadLinuxLibrary, type DescriptorWatch, type LinuxLibrary } from "./linux-library.ts";
import { makeLongFrame, type LongFrame } from "./long-frame.ts";
import { checkGather, checkRange, makePhysicalBase, setVector, type PhysicalBase } from "./physical-base.ts";
import { attachTap, checkTapOptions } from "./tap-attach.ts";
import type { TapOptions } from "./tap-attach.ts";
import { VIRTIO_BYTES } from "./virtio-header.ts";
import { silentWaker } from "./waker.ts";
import type { Waker } from "./waker.ts";

/** Frames that Linux queues towards us (TUN_READQ_SIZE), and a round figure for the way out. */
const QUEUE_FRAMES = 500;

/** After an empty read the next is tried this much later, unless the event loop saw a frame. */
const RETRY_CYCLES = HOST_HERTZ / 50_000;

/** Pieces that a frame is read into: its virtio header, the machine's memory, and the rest of a super-segment. */
const READ_PIECES = 3;

/** What happened to a TAP besides its frames; plain numbers that only grow. */
export interface TapCounters {
  /** Frames accepted for transmission that Linux would not have: its end is down, or they were malformed. */
  transmitLost: number;
  /** Arriving frames that were longer than a frame may be and no super-segment that can be cut. */
  receiveOverlong: number;
  /** Super-segments that arrived and were cut. */
  receiveCut: number;
}

/** A network interface on a TAP. */
export interface TapNic extends Nic {
  /** Name of the kernel's end. */
  readonly name: string;
  readonly linux: Readonly<TapCounters>;
  /** Takes the interface down; resolves when nothing of it keeps the host process alive. */
  close(): Promise<void>;
}

interface Tap {
  readonly linux: LinuxLibrary;
  readonly descriptor: number;
  readonly hardware: NicHardware;
  readonly counters: NicCounters;
  readonly events: TapCounters;
  readonly waker: Waker;
  readonly base: PhysicalBase;
  readonly arrivals: Arrivals;
  /** Address of the room for a long frame. */
  readonly longAt: number;
  readonly out: LongFrame;
  readonly vector: DataView;
  readonly vectorAt: number;
  watch: DescriptorWatch | undefined;
  /** A frame may be there: read without waiting for the event loop. */
  mayRead: boolean;
  retryAt: number;
  closed: boolean;
}

/** Has the event loop tell when a frame arrives. A kernel's end that was removed says nothing any more. */
const watch = (tap: Tap): void => {
  tap.watch = tap.linux.watch(tap.descriptor, (isReadable) => {
    if (!isReadable || tap.closed) return;
    tap.mayRead = true;
    tap.waker.wake();
  });
};

const nothingThere = (tap: Tap, now: Cycles): number => {
  tap.mayRead = false;
  tap.retryAt = now + RETRY_CYCLES;
  return 0;
};

/** Reads one frame: an ordinary one to `memory[at…]`, of a longer one the rest behind where its beginning belongs. */
const readFrame = (tap: Tap, memory: Uint8Array, at: number): number => {
  const { vector, longAt, hardware, base } = tap;
  const { frameBytes } = hardware;
  setVector(vector, 0, longAt, VIRTIO_BYTES);
  setVector(vector, 1, base.of(memory) + at, frameBytes);
  setVector(vector, 2, longAt + VIRTIO_BYTES + frameBytes, SUPER_SEGMENT_BYTES - frameBytes);
  return tap.linux.readv(tap.descriptor, tap.vectorAt, READ_PIECES);
};

/** What was read was longer than a frame: its first part is in memory, the rest where super-segments are cut. */
const cutLong = (tap: Tap, memory: Uint8Array, at: number, bytes: number): number => {
  const { arrivals, events, hardware } = tap;
  copyBytes(memory, at, arrivals.long, VIRTIO_BYTES, hardware.frameBytes);
  if (arrivals.cut(bytes)) {
    events.receiveCut++;
    return arrivals.next(memory, at);
  }
  events.receiveOverlong++;
  return 0;
};

/** Overlong frames passed over in one `receive` before it gives up for now. */
const LOOK_LIMIT = 64;

const takeNext = (tap: Tap, now: Cycles, memory: Uint8Array, at: number): number => {
  const { arrivals, hardware } = tap;
  let length = arrivals.next(memory, at);
  for (let looks = 0; length === 0 && looks < LOOK_LIMIT; looks++) {
    const bytes = readFrame(tap, memory, at);
    if (bytes <= VIRTIO_BYTES) return nothingThere(tap, now);
    tap.mayRead = true;
    if (bytes - VIRTIO_BYTES > hardware.frameBytes) length = cutLong(tap, memory, at, bytes);
    else {
      length = bytes - VIRTIO_BYTES;
      arrivals.complete(arrivals.long, 0, memory, at, length);
    }
  }
  return length;
};

const receive = (tap: Tap, now: Cycles, memory: Uint8Array, at: number): number => {
  if (tap.closed || (!tap.mayRead && now < tap.retryAt)) return 0;
  checkRange(memory, at, tap.hardware.frameBytes);
  const length = takeNext(tap, now, memory, at);
  if (length === 0) return 0;
  tap.counters.received++;
  tap.counters.receivedBytes += length;
  return length;
};

/** Gives a frame to Linux; false when its queue is full. One that the other end will not have is lost, as on a cable. */
const write = (tap: Tap, memory: Uint8Array, gather: PhysicalGather): boolean => {
  const { linux, out, base, events } = tap;
  const pieces = out.gather(memory, base.of(memory), gather);
  if (pieces > 0 && linux.writev(tap.descriptor, out.vectorAt, pieces) >= 0) return true;
  if (pieces > 0 && linux.errorNumber() === LINUX_ERROR.again) return false;
  events.transmitLost++;
  return true;
};

const transmit = (tap: Tap, memory: Uint8Array, gather: PhysicalGather): boolean => {
  const { hardware, counters } = tap;
  checkGather(memory, gather, gather.segmentBytes > 0 ? hardware.segmentationBytes : hardware.frameBytes);
  if (!tap.closed && !write(tap, memory, gather)) {
    counters.transmitRefused++;
    return false;
  }
  counters.transmitted++;
  counters.transmittedBytes += gather.length;
  return true;
};

const close = (tap: Tap): Promise<void> => {
  if (tap.closed) return Promise.resolve();
  tap.closed = true;
  tap.watch?.close();
  tap.base.clear();
  tap.arrivals.clear();
  closeSync(tap.descriptor);
  return Promise.resolve();
};

const wakeAt = (tap: Tap, now: Cycles): Cycles =>
  !tap.closed && (tap.mayRead || tap.arrivals.left() > 0) ? now : NEVER;

const makeHardware = (address: readonly number[], frameBytes: number): NicHardware =>
  Object.freeze({
    address: Object.freeze([...address]),
    frameBytes,
    receiveSlots: QUEUE_FRAMES,
    transmitSlots: QUEUE_FRAMES,
    bitsPerSecond: Infinity,
    transmitChecksum: true,
    segmentationBytes: SUPER_SEGMENT_BYTES,
  });

const makeCounters = (): NicCounters => ({
  received: 0,
  receivedBytes: 0,
  transmitted: 0,
  transmittedBytes: 0,
  receiveDropped: 0,
  transmitRefused: 0,
});

const makeTap = (linux: LinuxLibrary, descriptor: number, options: TapOptions): Tap => {
  const frameBytes = options.frameBytes ?? 1514;
  const arrivals = makeArrivals(frameBytes);
  const vector = new Uint8Array(READ_PIECES * 16);
  return {
    linux,
    descriptor,
    hardware: makeHardware(options.address, frameBytes),
    counters: makeCounters(),
    events: { transmitLost: 0, receiveOverlong: 0, receiveCut: 0 },
    waker: options.waker ?? silentWaker,
    base: makePhysicalBase(linux),
    arrivals,
    longAt: linux.address(arrivals.long),
    out: makeLongFrame(linux, frameBytes),
    vector: new DataView(vector.buffer),
    vectorAt: linux.address(vector),
    watch: undefined,
    mayRead: true,
    retryAt: 0,
    closed: false,
  };
};

const makeNic = (tap: Tap, name: string): TapNic =>
  Object.freeze({
    name,
    hardware: tap.hardware,
    counters: tap.counters,
    linux: tap.events,
    arrival: tap.arrivals.arrival,
    receive: (now: Cycles, memory: Uint8Array, at: number) => receive(tap, now, memory, at),
    transmit: (_clock: NicClock, memory: Uint8Array, gather: PhysicalGather) => transmit(tap, memory, gather),
    flush: () => {},
    wakeAt: (now: Cycles): Cycles => wakeAt(tap, now),
    close: () => close(tap),
  });

/**
 * Attaches to a TAP interface of the Linux kernel.
 *
 * One system call a frame and direction, straight from and to physical memory,
 * never waiting; a super-segment is one frame. While nothing arrives nothing
 * runs. Whoever made the interface gives it its addresses and brings it up;
 * until then what is transmitted is lost. Linux counts the frames that it could
 * not queue for us itself (`tx_dropped`), so `receiveDropped` stays 0.
 *
 * Rejects with a `HostError`: `Unsupported` (not Linux, no `koffi`, no
 * `/dev/net/tun`), `NotPermitted`, `Busy`, `BadArgument`.
 */
export const openTap = async (options: TapOptions): Promise<TapNic> => {
  checkTapOptions(options);
  const linux = await loadLinuxLibrary("a TAP");
  const tap = makeTap(linux, attachTap(linux, options.name), options);
  watch(tap);
  return makeNic(tap, options.name);
};
