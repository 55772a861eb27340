/** A block device with an asynchronous queue. */
import type { BlockNumber, Cycles, PhysicalAddress } from "./units.ts";

/** What a disk is. */
export interface DiskHardware {
  /** Blocks of `BLOCK_BYTES` bytes. */
  readonly blocks: number;
  /** Requests the queue holds before `submit` refuses. */
  readonly queueSlots: number;
}

/** One transfer between the disk and physical memory. */
export interface DiskRequest {
  readonly kind: "read" | "write";
  readonly first: BlockNumber;
  /** Whole blocks, at least 1. */
  readonly count: number;
  /** Where in physical memory; `count * BLOCK_BYTES` bytes, the device's from `submit` until `reap`. */
  readonly address: PhysicalAddress;
}

/**
 * A block device.
 *
 * `submit` never completes inside the call: completions are only ever seen by
 * `reap`, so a driver may update its own state after `submit` returns. An
 * accepted request completes exactly once, `ok` or not. Its place in the queue
 * is free when `done` is called, which may `submit` the next.
 */
export interface Disk {
  readonly hardware: DiskHardware;
  /** Queues one transfer; true means exactly one completion will follow. O(1) on a host, O(bytes) simulated. */
  submit(now: Cycles, memory: Uint8Array, request: DiskRequest): boolean;
  /** Hands at most `limit` finished requests to `done`; returns how many. O(limit). */
  reap(now: Cycles, limit: number, done: (request: DiskRequest, ok: boolean) => void): number;
  /**
   * Has what nobody has begun finished by itself, for somebody who cannot let others run meanwhile.
   *
   * One call is enough for all that is queued, unless it waits for what was begun.
   *
   * When `reap` will have it: a time, or `NEVER` if there is none, or only time can tell.
   */
  settle(now: Cycles): Cycles;
  /** The block under the arm: where the last transfer ended. Readable by everyone. O(1). */
  armPosition(): BlockNumber;
  /** When `reap` may next have something: a time, or `NEVER` if nothing is queued or it is unknown. O(1). */
  wakeAt(now: Cycles): Cycles;
}
