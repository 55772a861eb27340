/** A network interface: two rings, one doorbell. */
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

/**
 * A gather list: `count` pieces of physical memory that together are one frame.
 *
 * Piece `i` is `lengths[i]` bytes at physical address `addresses[i]`.
 */
export interface PhysicalGather {
  readonly addresses: Float64Array;
  readonly lengths: Uint32Array;
  /** Pieces in use. */
  count: number;
  /** Sum of the lengths in use, bytes. */
  length: number;
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
  /**
   * Copies the oldest frame that has arrived by `now` to `memory[at…]`.
   *
   * There must be room for `hardware.frameBytes` at `at`. Returns the frame's
   * length in bytes, 0 when none has arrived. O(bytes).
   */
  receive(now: Cycles, memory: Uint8Array, at: number): number;
  /** Queues one frame; its bytes have been copied on return. False when the ring is full. O(bytes). */
  transmit(now: Cycles, memory: Uint8Array, gather: PhysicalGather): boolean;
  /** The doorbell: everything queued goes out. Called once a batch. O(queued). */
  flush(now: Cycles): void;
  /** When `receive` may next return a frame: `now` or earlier, a later time, or `NEVER` if unknown. O(1). */
  wakeAt(now: Cycles): Cycles;
}

/** An empty gather list with room for `pieces` pieces. */
export const makePhysicalGather = (pieces: number): PhysicalGather => ({
  addresses: new Float64Array(pieces),
  lengths: new Uint32Array(pieces),
  count: 0,
  length: 0,
});
