/** A network interface: two rings, one doorbell. */
import type { Clock } from "./clock.ts";
import type { Cycles } from "./units.ts";

/** What a network interface is. */
export interface NicHardware {
  /** Its own 48-bit address, six octets. */
  readonly address: readonly number[];
  /** Longest frame it carries, in bytes, Ethernet header included, without FCS. */
  readonly frameBytes: number;
  /** Frames its receive ring holds; more are dropped and counted. */
  readonly receiveSlots: number;
  /** Frames its transmit ring holds before `transmit` refuses. */
  readonly transmitSlots: number;
  /** Bits a second on the link, `Infinity` when it has no limit of its own. */
  readonly bitsPerSecond: number;
  /** True if it computes transport checksums of frames whose gather list asks for it. */
  readonly transmitChecksum: boolean;
  /** Longest super-segment that it cuts into frames, in bytes, headers included; 0 when it cuts none. */
  readonly segmentationBytes: number;
}

/** Running totals since the machine was switched on; plain numbers that only grow. */
export interface NicCounters {
  /** Frames handed to the machine. */
  received: number;
  /** Bytes of those frames. */
  receivedBytes: number;
  /** Frames accepted for transmission. */
  transmitted: number;
  /** Bytes of those frames. */
  transmittedBytes: number;
  /** Arriving frames lost because the receive ring was full. */
  receiveDropped: number;
  /** `transmit` calls refused because the transmit ring was full. */
  transmitRefused: number;
}

/** What an interface knows about the frame that it handed out last. */
export interface NicArrival {
  /**
   * The transport's checksum is right: somebody on the way has looked, or it never crossed a wire.
   *
   * The frame in memory is whole in any case; false only says that nobody has looked.
   */
  checksumGood: boolean;
}

/**
 * A gather list: `count` pieces of physical memory that together are one frame.
 *
 * Piece `i` is `lengths[i]` bytes at physical address `addresses[i]`. What it
 * asks for besides must be in `hardware`. The interface finds the headers by
 * itself, in the frame. It never changes the memory: what it computes goes
 * into its own copy.
 */
export interface PhysicalGather {
  readonly addresses: Float64Array;
  readonly lengths: Uint32Array;
  /** Pieces in use. */
  count: number;
  /** Sum of the lengths in use, bytes. */
  length: number;
  /** The interface computes the transport's checksum of an IPv4 frame; what lies there does not count. */
  checksum: boolean;
  /**
   * 0, or the frame is a super-segment, cut into frames with so many bytes of payload.
   *
   * Each gets the headers of the first, with lengths, identification, sequence
   * number, flags and checksums of its own. What is no such segment, or has
   * room for one frame only, goes as it is; if it is too long for that, it is lost.
   */
  segmentBytes: number;
}

/**
 * A network interface with DMA.
 *
 * `memory` is always the machine's physical memory; the interface copies each
 * frame exactly once in each direction and never keeps a reference to it.
 * Nothing calls back: arrivals are only ever seen by `receive`.
 */
export interface Nic {
  readonly hardware: NicHardware;
  readonly counters: Readonly<NicCounters>;
  /** About the frame that `receive` returned last. */
  readonly arrival: Readonly<NicArrival>;
  /**
   * Copies the oldest frame that has arrived by `now` to `memory[at…]`.
   *
   * There must be room for `hardware.frameBytes` at `at`. Returns the frame's
   * length in bytes, 0 when none has arrived. O(bytes).
   */
  receive(now: Cycles, memory: Uint8Array, at: number): number;
  /**
   * Queues one frame; its bytes have been copied on return. False when the ring is full. O(bytes).
   *
   * One that no wire holds up does not read the clock: that would cost a tenth of a frame.
   */
  transmit(clock: NicClock, memory: Uint8Array, gather: PhysicalGather): boolean;
  /** The doorbell: everything queued goes out. Called once a batch. O(queued). */
  flush(now: Cycles): void;
  /** When `receive` may next return a frame: `now` or earlier, a later time, or `NEVER` if unknown. O(1). */
  wakeAt(now: Cycles): Cycles;
}

/** What an interface reads the time from, if it needs to know it. */
export type NicClock = Pick<Clock, "now">;

/** An empty gather list with room for `pieces` pieces. */
export const makePhysicalGather = (pieces: number): PhysicalGather => ({
  addresses: new Float64Array(pieces),
  lengths: new Uint32Array(pieces),
  count: 0,
  length: 0,
  checksum: false,
  segmentBytes: 0,
});
