/** A DMA engine: copies between places of physical memory beside the processor. */
import type { Cycles, PhysicalAddress } from "./units.ts";

/** What a DMA engine is. */
export interface DmaHardware {
  /** Copies the queue holds before `submit` refuses. */
  readonly queueSlots: number;
  /** Bytes it moves in a second. */
  readonly bytesPerSecond: number;
}

/** One copy within physical memory. */
export interface DmaRequest {
  readonly from: PhysicalAddress;
  readonly to: PhysicalAddress;
  readonly bytes: number;
}

/**
 * A DMA engine with a queue that can be cut short, page by page.
 *
 * A copy takes effect as a whole when it completes, never before. An accepted
 * copy completes exactly once, `ok` or cancelled, and only in `reap`.
 */
export interface DmaEngine {
  readonly hardware: DmaHardware;
  /** Queues one copy; true means exactly one completion will follow. O(1). */
  submit(now: Cycles, memory: Uint8Array, request: DmaRequest): boolean;
  /** Cancels every queued copy from or to one of `bytes` bytes from `first`: it will not touch memory any more. O(queue). */
  cancel(first: PhysicalAddress, bytes: number): number;
  /** Hands at most `limit` finished copies to `done`, `ok` false for the cancelled; returns how many. O(limit + bytes). */
  reap(now: Cycles, limit: number, done: (request: DmaRequest, ok: boolean) => void): number;
  /** When `reap` may next have something: a time, or `NEVER`. O(1). */
  wakeAt(now: Cycles): Cycles;
}
