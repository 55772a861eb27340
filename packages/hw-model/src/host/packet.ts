/** A network interface on one of Linux's own: a packet socket, with a ring that Linux fills. */
import type { Nic, NicArrival, NicClock, NicCounters, NicHardware, PhysicalGather } from "../nic.ts";
import { SUPER_SEGMENT_BYTES } from "../offload/segment-cutter.ts";
import { copyBytes } from "../simulated/frame-slots.ts";
import { NEVER, type Cycles } from "../units.ts";
import { HOST_HERTZ } from "./clock.ts";
import { makeArrivals, type Arrivals } from "./arrivals.ts";
import { LINUX_ERROR, loadLinuxLibrary, type DescriptorWatch, type LinuxLibrary } from "./linux-library.ts";
import {
  checkPacketOptions,
  isRemoved,
  openPacketSocket,
  readDropped,
  startReceiving,
  takeError,
  type PacketNicOptions,
  type PacketSocket,
} from "./packet-attach.ts";
import { checkGather, checkRange, makePhysicalBase, type PhysicalBase } from "./physical-base.ts";
import { openReceiveRing, type ReceiveRing } from "./receive-ring.ts";
import { BATCH_SLOTS, makeTransmitBatch, type SendResult, type TransmitBatch } from "./transmit-batch.ts";
import { VIRTIO_BYTES } from "./virtio-header.ts";
import { silentWaker, type Waker } from "./waker.ts";

/** What Linux would not send is tried again so much later. */
const RETRY_CYCLES = HOST_HERTZ / 2000;

/** How long frames gather. Linux adds some 50 more. */
const COALESCE_MICROSECONDS = 50;

/** Frames looked at in one `receive` before it gives up for now: some are not handed on. */
const LOOK_LIMIT = 64;

/** What happened to an interface of Linux besides its frames; plain numbers that only grow. */
export interface LinuxNicCounters {
  /** Times that Linux took the interface down. */
  downs: number;
  /** Frames accepted for transmission and then lost: the link was down, or Linux would not have them. */
  transmitLost: number;
  /** Arriving frames that were longer than a frame may be and no super-segment that can be cut. */
  receiveOverlong: number;
  /** Super-segments that arrived and were cut. */
  receiveCut: number;
}

/** A network interface on one of Linux's. */
export interface PacketNic extends Nic {
  /** Name of Linux's interface. */
  readonly name: string;
  readonly linux: Readonly<LinuxNicCounters>;
  /**
   * Has this thread stand still for a moment in which frames gather: as interfaces do with their interrupts.
   *
   * To be woken for each frame costs more than the frame.
   */
  coalesce(): void;
  /** Lets go of the interface; resolves when nothing of it keeps the host process alive. */
  close(): Promise<void>;
}

interface Packet {
  readonly linux: LinuxLibrary;
  readonly socket: PacketSocket;
  readonly hardware: NicHardware;
  readonly counters: NicCounters;
  readonly events: LinuxNicCounters;
  readonly ring: ReceiveRing;
  readonly arrivals: Arrivals;
  /** Address of the room for a long frame. */
  readonly longAt: number;
  readonly batch: TransmitBatch;
  readonly base: PhysicalBase;
  readonly waker: Waker;
  watch: DescriptorWatch | undefined;
  /** When what waits in the batch is tried again. */
  retryAt: number;
  dropped: number;
  /** Nothing could be sent when it was last tried. */
  isDown: boolean;
  closed: boolean;
}

/** Copies a frame that is too long, from its slot or if it did not fit there from the socket's queue; bytes, 0 if it is gone. */
const takeLong = ({ linux, socket, arrivals, ring, longAt }: Packet): number => {
  if (ring.isQueued()) return linux.recv(socket.descriptor, longAt, arrivals.long.length);
  if (ring.isCut()) return 0;
  copyBytes(ring.bytes, ring.headerAt(), arrivals.long, 0, VIRTIO_BYTES + ring.length());
  return VIRTIO_BYTES + ring.length();
};

/** Has a frame that is too long cut, and hands out the first of its frames; 0 if it cannot be. */
const cutLong = (packet: Packet, memory: Uint8Array, at: number): number => {
  const { arrivals, events } = packet;
  const bytes = takeLong(packet);
  if (bytes <= VIRTIO_BYTES || !arrivals.cut(bytes)) {
    events.receiveOverlong++;
    return 0;
  }
  events.receiveCut++;
  return arrivals.next(memory, at);
};

/** Looks at the frame in the next slot of the ring; its length if it was handed on, 0 if not. */
const takeSlot = (packet: Packet, memory: Uint8Array, at: number): number => {
  const { ring, arrivals } = packet;
  let length = ring.length();
  if (length <= packet.hardware.frameBytes) {
    ring.copy(memory, at);
    arrivals.complete(ring.bytes, ring.headerAt(), memory, at, length);
  } else length = cutLong(packet, memory, at);
  ring.release();
  return length;
};

const takeNext = (packet: Packet, memory: Uint8Array, at: number): number => {
  const { ring, arrivals } = packet;
  let length = arrivals.next(memory, at);
  for (let looks = 0; length === 0 && looks < LOOK_LIMIT && ring.isReady(); looks++)
    length = takeSlot(packet, memory, at);
  return length;
};

const receive = (packet: Packet, now: Cycles, memory: Uint8Array, at: number): number => {
  if (packet.closed) return 0;
  if (packet.batch.waiting > 0 && now >= packet.retryAt) sendAll(packet, now);
  checkRange(memory, at, packet.hardware.frameBytes);
  const length = takeNext(packet, memory, at);
  if (length === 0) return 0;
  packet.counters.received++;
  packet.counters.receivedBytes += length;
  return length;
};

const wentDown = (packet: Packet): void => {
  packet.events.downs++;
  packet.isDown = true;
};

/** True if Linux says so for the first time; asking clears it. */
const isNewlyDown = ({ linux, socket }: Packet): boolean =>
  takeError(linux, socket.descriptor) === LINUX_ERROR.networkDown;

const sendAll = (packet: Packet, now: number): SendResult => {
  const result = packet.batch.send();
  if (result === "waiting") packet.retryAt = now + RETRY_CYCLES;
  if (result === "sent") packet.isDown = false;
  if (result === "down" && (isNewlyDown(packet) || !packet.isDown)) wentDown(packet);
  return result;
};

const transmit = (packet: Packet, memory: Uint8Array, gather: PhysicalGather): boolean => {
  const { hardware, counters, batch, base, closed } = packet;
  checkGather(memory, gather, gather.segmentBytes > 0 ? hardware.segmentationBytes : hardware.frameBytes);
  if (!closed && !batch.add(memory, base.of(memory), gather)) {
    counters.transmitRefused++;
    return false;
  }
  counters.transmitted++;
  counters.transmittedBytes += gather.length;
  return true;
};

const flush = (packet: Packet, now: number): void => {
  if (!packet.closed && packet.batch.waiting > 0) sendAll(packet, now);
};

const wakeAt = (packet: Packet, now: Cycles): Cycles => {
  if (packet.closed) return NEVER;
  if (packet.ring.isReady() || packet.arrivals.left() > 0) return now;
  return packet.batch.waiting > 0 ? (Math.max(now, packet.retryAt) as Cycles) : NEVER;
};

/** The socket met an error, which asking clears: the interface went down, perhaps for good. */
const broke = (packet: Packet): void => {
  const { linux, socket } = packet;
  if (isNewlyDown(packet)) wentDown(packet);
  if (!isRemoved(linux, socket.descriptor)) packet.watch?.restart();
};

const watch = (packet: Packet): void => {
  const { linux, socket, waker } = packet;
  packet.watch = linux.watch(socket.descriptor, (isReadable) => {
    if (packet.closed) return;
    if (!isReadable) broke(packet);
    waker.wake();
  });
};

const close = (packet: Packet): Promise<void> => {
  if (packet.closed) return Promise.resolve();
  packet.batch.send();
  readCounters(packet);
  packet.closed = true;
  packet.watch?.close();
  packet.ring.close();
  packet.base.clear();
  packet.batch.clear();
  packet.arrivals.clear();
  packet.linux.close(packet.socket.descriptor);
  return Promise.resolve();
};

/** Adds what Linux dropped since it was last asked. */
const readCounters = (packet: Packet): number => {
  if (!packet.closed) packet.dropped += readDropped(packet.linux, packet.socket.descriptor);
  return packet.dropped;
};

const publishCounters = (packet: Packet): NicCounters =>
  Object.defineProperty(packet.counters, "receiveDropped", {
    get: () => readCounters(packet),
    enumerable: true,
  });

const publishEvents = ({ events, batch }: Packet): LinuxNicCounters =>
  Object.defineProperty(events, "transmitLost", { get: () => batch.lost, enumerable: true });

const makeHardware = (
  { on }: PacketSocket,
  options: PacketNicOptions,
  frameBytes: number,
  slots: number,
): NicHardware =>
  Object.freeze({
    address: Object.freeze([...(options.address ?? on.address)]),
    frameBytes,
    receiveSlots: slots,
    transmitSlots: BATCH_SLOTS,
    bitsPerSecond: Infinity,
    transmitChecksum: true,
    segmentationBytes: SUPER_SEGMENT_BYTES,
  });

const ETHERNET_BYTES = 14,
  FRAME_BYTES = 1514,
  SLOTS = 1024;

const makePacket = (linux: LinuxLibrary, socket: PacketSocket, options: PacketNicOptions): Packet => {
  const { frameBytes = Math.min(FRAME_BYTES, socket.on.mtu + ETHERNET_BYTES), receiveSlots = SLOTS } =
    options;
  const { descriptor } = socket;
  const ring = openReceiveRing(linux, descriptor, receiveSlots, frameBytes);
  const arrivals = makeArrivals(frameBytes);
  return {
    linux,
    socket,
    hardware: makeHardware(socket, options, frameBytes, ring.slots),
    counters: {
      received: 0,
      receivedBytes: 0,
      transmitted: 0,
      transmittedBytes: 0,
      receiveDropped: 0,
      transmitRefused: 0,
    },
    events: { downs: 0, transmitLost: 0, receiveOverlong: 0, receiveCut: 0 },
    ring,
    arrivals,
    longAt: linux.address(arrivals.long),
    batch: makeTransmitBatch(linux, descriptor, frameBytes),
    base: makePhysicalBase(linux),
    waker: options.waker ?? silentWaker,
    watch: undefined,
    retryAt: 0,
    dropped: 0,
    isDown: false,
    closed: false,
  };
};

const makeNic = (packet: Packet): PacketNic =>
  Object.freeze({
    name: packet.socket.on.name,
    hardware: packet.hardware,
    counters: publishCounters(packet),
    linux: publishEvents(packet),
    arrival: packet.arrivals.arrival as Readonly<NicArrival>,
    receive: (now: Cycles, memory: Uint8Array, at: number) => receive(packet, now, memory, at),
    transmit: (_clock: NicClock, memory: Uint8Array, gather: PhysicalGather) =>
      transmit(packet, memory, gather),
    flush: (now: Cycles) => flush(packet, now),
    wakeAt: (now: Cycles) => wakeAt(packet, now),
    coalesce: () => packet.linux.pause(COALESCE_MICROSECONDS),
    close: () => close(packet),
  });

/**
 * Receives and sends on an interface of Linux beside Linux itself.
 *
 * What is for our Ethernet address or for everyone comes by a ring in memory
 * that is shared with Linux, without a call; what we send goes in one call a
 * batch, and a super-segment in one of its own, straight from physical memory.
 * While nothing arrives, nothing runs. An interface that is down loses what is
 * sent, as a cable that is pulled out does; when it is up again, so are we. One
 * that was removed stays silent.
 *
 * Linux sees the frames too. It answers for its own addresses only: ours must
 * be none of them, and it must not forward (`ip_forward`).
 *
 * Rejects with a `HostError`: `Unsupported` (not Linux, no `koffi`, a kernel
 * without what is needed), `NotPermitted` (`CAP_NET_RAW`), `NoSuchInterface`,
 * `BadArgument` (not Ethernet, or options that cannot be).
 */
export const openPacketNic = async (options: PacketNicOptions): Promise<PacketNic> => {
  checkPacketOptions(options);
  const linux = await loadLinuxLibrary("a packet socket");
  const socket = openPacketSocket(linux, options);
  let packet: Packet | undefined;
  try {
    packet = makePacket(linux, socket, options);
    startReceiving(linux, socket);
    watch(packet);
    return makeNic(packet);
  } catch (error) {
    packet?.ring.close();
    linux.close(socket.descriptor);
    throw error;
  }
};
