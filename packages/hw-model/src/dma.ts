/** A DMA engine: copies between places of physical memory beside the processor. */
import type { Cycles, PhysicalAddress } from "./units.ts";

/** What a DMA engine is. */
export interface DmaHardware {
  /** Copies the queue holds before `submit` refuses. */
  readonly queueSlots: number;
  /** Bytes it moves in a second; `Infinity` for one that copies when it is reaped. */
  readonly bytesPerSecond: number;
}

/** One copy within physical memory; the places may overlap. */
export interface DmaRequest {
  readonly from: PhysicalAddress;
  readonly to: PhysicalAddress;
  /** At least 1. */
  readonly bytes: number;
}

/**
 * A DMA engine with a queue whose copies can be cancelled one by one.
 *
 * A copy takes effect as a whole when it completes, never before. An accepted
 * copy completes exactly once, `ok` or not, and only in `reap`. One that was
 * cancelled, or does not lie in the memory, moves nothing and is not `ok`.
 */
export interface DmaEngine {
  readonly hardware: DmaHardware;
  /** Queues one copy; true means exactly one completion will follow. The record must not change until then. O(1). */
  submit(now: Cycles, memory: Uint8Array, request: DmaRequest): boolean;
  /** Cancels one queued copy: it will not touch memory any more. True if it was queued, and not cancelled before. O(queue). */
  cancel(request: DmaRequest): boolean;
  /** Hands at most `limit` finished copies to `done`; returns how many. O(limit + bytes). */
  reap(now: Cycles, limit: number, done: (request: DmaRequest, ok: boolean) => void): number;
  /** When `reap` may next have something: now, a time, or `NEVER`. O(1). */
  wakeAt(now: Cycles): Cycles;
}
