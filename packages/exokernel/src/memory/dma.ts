/** Copies by the DMA engine, cancelled when a frame of theirs is freed (SOSP'95 section 3.2.1). */
import { FRAME_BYTES, type DmaRequest, type PhysicalAddress } from "@exolith/hw-model";
import { TRANSFER_STATUS } from "../abi/calls/disk.ts";
import type { DmaCopy } from "../abi/calls/memory.ts";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { DMA_BYTES, DMA_COPIES } from "../abi/limits.ts";
import { notify, type Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { reach } from "./window-calls.ts";

/** One copy in flight: what the engine was asked for, and who is to be told. */
export interface DmaRow extends DmaRequest {
  readonly environment: Environment;
  /** Physical address of the completion word, -1 once it is nobody's or its frame is gone. */
  statusAddress: number;
  isCancelled: boolean;
}

/** What the kernel keeps of the DMA engine. */
export interface DmaState {
  readonly copies: Set<DmaRow>;
  /** What the engine calls for a finished copy; made once, when the kernel is loaded. */
  finished: (request: DmaRequest, ok: boolean) => void;
  done: number;
  cancelled: number;
}

/** Nothing in flight. */
export const makeDmaState = (): DmaState => ({
  copies: new Set(),
  finished: () => {},
  done: 0,
  cancelled: 0,
});

/** Prepares the kernel's end of the engine: to be called once. */
export function connectDma(kernel: Kernel): void {
  kernel.dma.finished = (request, ok) => finish(kernel, request as DmaRow, ok);
}

const NOTHING = {};

/** Queues one copy; the alien record is read once, before any state. O(1). */
export function dmaCopy(
  kernel: Kernel,
  caller: Environment,
  copy: unknown,
): Sys<undefined, "NoDevice" | "BadWindow" | "BadRange" | "Full"> {
  const alien = (copy ?? NOTHING) as Partial<DmaCopy>;
  const { from, fromAt, to, toAt, length, statusWindow, statusAt } = alien;
  const { dma: engine, memory, clock, meter } = kernel.machine;
  if (engine === undefined) return ERRORS.NoDevice;
  const source = reach(caller, false, from, fromAt, length);
  if (typeof source !== "number") return source;
  const target = reach(caller, true, to, toAt, length);
  if (typeof target !== "number") return target;
  const status = reach(caller, true, statusWindow, statusAt, 4);
  if (typeof status !== "number") return status;
  const bytes = length as number;
  if (status % 4 !== 0 || bytes > DMA_BYTES) return ERRORS.BadRange;
  if (kernel.dma.copies.size >= DMA_COPIES) return ERRORS.Full;
  const row: DmaRow = {
    from: source as PhysicalAddress,
    to: target as PhysicalAddress,
    bytes,
    environment: caller,
    statusAddress: status,
    isCancelled: false,
  };
  if (!engine.submit(clock.now(), memory.bytes, row)) return ERRORS.Full;
  kernel.dma.copies.add(row);
  memory.view.setUint32(status, TRANSFER_STATUS.pending);
  meter.charge("deviceAccess", 1);
  return undefined;
}

/** True when `bytes` bytes at `at` touch the range from `from` up to `to`. */
const touches = (at: number, bytes: number, from: number, to: number): boolean =>
  at < to && from < at + bytes;

/** Cancels every copy from, to or reported in frames from `first` up to `end`. O(copies). */
export function cancelDmaOn(kernel: Kernel, first: number, end: number): void {
  const { copies } = kernel.dma;
  if (copies.size === 0) return;
  const from = first * FRAME_BYTES;
  const to = end * FRAME_BYTES;
  for (const copy of copies) {
    const isReported = copy.statusAddress >= 0 && touches(copy.statusAddress, 4, from, to);
    if (isReported) copy.statusAddress = -1;
    if (isReported || touches(copy.from, copy.bytes, from, to) || touches(copy.to, copy.bytes, from, to))
      cancel(kernel, copy);
  }
}

/** Cancels every copy of an environment that ends; nobody is told. O(copies). */
export function cancelDmaOf(kernel: Kernel, environment: Environment): void {
  for (const copy of kernel.dma.copies) {
    if (copy.environment !== environment) continue;
    copy.statusAddress = -1;
    cancel(kernel, copy);
  }
}

function cancel(kernel: Kernel, copy: DmaRow): void {
  if (copy.isCancelled) return;
  copy.isCancelled = true;
  kernel.machine.dma?.cancel(copy);
  kernel.dma.cancelled += 1;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.dmaCancel, copy.environment.id, copy.bytes);
}

/** Copies taken from the engine in one step. */
const COPY_BATCH = 8;

/** Takes what the engine has finished; true if there was anything. O(batch). */
export function reapDma(kernel: Kernel): boolean {
  const { dma: engine, clock } = kernel.machine;
  if (engine === undefined || kernel.dma.copies.size === 0) return false;
  return engine.reap(clock.now(), COPY_BATCH, kernel.dma.finished) > 0;
}

function finish(kernel: Kernel, copy: DmaRow, ok: boolean): void {
  if (!kernel.dma.copies.delete(copy)) return;
  if (ok) kernel.dma.done += 1;
  const { view } = kernel.machine.memory;
  if (copy.statusAddress >= 0) view.setUint32(copy.statusAddress, statusOf(copy, ok));
  if (copy.environment.alive) notify(kernel, copy.environment);
  kernel.machine.meter.charge("deviceAccess", 1);
}

function statusOf(copy: DmaRow, ok: boolean): number {
  if (ok) return TRANSFER_STATUS.done;
  return copy.isCancelled ? TRANSFER_STATUS.cancelled : TRANSFER_STATUS.failed;
}
