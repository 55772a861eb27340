/** Disk transfers: queued, completed by a word in the caller's own memory. */
import {
  BLOCK_BYTES,
  FRAME_BYTES,
  NEVER,
  type BlockNumber,
  type Cycles,
  type DiskRequest,
  type PhysicalAddress,
} from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { TRANSFER_STATUS, type Transfer } from "../abi/calls/disk.ts";
import { TRANSFERS, TRANSFER_BLOCKS } from "../abi/limits.ts";
import { authorise } from "../capability/authority.ts";
import { isIndex, isRun } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { BoundWindow } from "../memory/bound-window.ts";
import { pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { ownBinding } from "../memory/window-calls.ts";
import { invariant } from "../panic.ts";
import type { Repossession } from "../revocation/revocation-state.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { STALE, holderOf, setHolder } from "./block-holders.ts";
import { releaseExtent, type ExtentRow, type TransferRow } from "./extent-table.ts";

type TransferRefusal = "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full";

/** Which transfer, and by what credential. */
export interface TransferRequest {
  readonly kind: "read" | "write";
  readonly extent: unknown;
  readonly transfer: Transfer;
  readonly slot: unknown;
}

/** Queues one transfer, read before any state is; the frames and the completion word's frame are pinned until it is done. O(frames). */
export function extentTransfer(
  kernel: Kernel,
  caller: Environment,
  request: TransferRequest,
): Sys<undefined, TransferRefusal> {
  const { kind } = request;
  const memory = resolve(caller, kind, copyTransfer(request.transfer));
  const extent = rowFor(kernel.extents, request.extent);
  if (extent === undefined || extent.orphan) return ERRORS.BadExtent;
  const needed = kind === "write" ? RIGHTS.write : RIGHTS.none;
  const refused = authorise(kernel, caller, request.slot, extent.guard, needed);
  if (refused !== undefined) return refused;
  if ("name" in memory) return memory;
  if (!isRun(memory.block, memory.count, extent.blocks)) return ERRORS.BadRange;
  const first = extent.first + memory.block;
  const extentRow = kernel.extents.ids.rowOf(request.extent);
  if (isAwaited(kernel, extentRow, memory.block, memory.count)) return ERRORS.Full;
  const isQueued = begin(kernel, extent, {
    kind,
    environment: caller,
    extentRow,
    statusAddress: memory.statusAddress,
    statusFrame: Math.floor(memory.statusAddress / FRAME_BYTES),
    firstFrame: memory.address / FRAME_BYTES,
    frames: (memory.count * BLOCK_BYTES) / FRAME_BYTES,
    first,
    end: first + memory.count,
    next: first,
    saving: undefined,
  });
  return isQueued ? undefined : ERRORS.Full;
}

/** A transfer's memory, resolved to physical addresses. */
interface TransferMemory {
  readonly block: number;
  readonly count: number;
  readonly address: number;
  readonly statusAddress: number;
}

/** Reads each property of the alien record once; a getter may run its owner's code. */
const copyTransfer = (alien: Transfer | undefined): Transfer => {
  const { block, count, window, at, statusWindow, statusAt } = alien ?? ({} as Transfer);
  return { block, count, window, at, statusWindow, statusAt };
};

/** Checks the windows and ranges of a transfer. */
function resolve(
  caller: Environment,
  kind: "read" | "write",
  transfer: Transfer,
): Sys<TransferMemory, "BadWindow" | "BadRange"> {
  const { block, count, window, at, statusWindow, statusAt } = transfer;
  const binding = ownBinding(caller, window);
  const status = ownBinding(caller, statusWindow);
  if (binding === undefined || status === undefined || !status.writable) return ERRORS.BadWindow;
  if (kind === "read" && !binding.writable) return ERRORS.BadWindow;
  const bytes = binding.count * FRAME_BYTES;
  if (!isIndex(at, bytes) || at % FRAME_BYTES !== 0 || !isIndex(count, TRANSFER_BLOCKS + 1))
    return ERRORS.BadRange;
  if (count < 1 || at + count * BLOCK_BYTES > bytes) return ERRORS.BadRange;
  if (!isIndex(statusAt, status.count * FRAME_BYTES - 3) || statusAt % 4 !== 0) return ERRORS.BadRange;
  return {
    block,
    count,
    address: BoundWindow.addressOf(window as BoundWindow) + at,
    statusAddress: BoundWindow.addressOf(statusWindow as BoundWindow) + statusAt,
  };
}

/** A frame to be saved in a block of an extent. */
export interface FrameSaving {
  /** Whose frame it was. */
  readonly environment: Environment;
  readonly extentRow: number;
  /** Block in the extent. */
  readonly block: number;
  readonly frame: number;
  /** Its status is that of the saving. */
  readonly entry: Repossession;
}

/** Queues the saving of a frame, which is pinned until it is done; false when it cannot be queued now. O(1). */
export function saveFrame(kernel: Kernel, saving: FrameSaving): boolean {
  const extent = kernel.extents.rows[saving.extentRow];
  if (extent === undefined || extent.orphan || !isIndex(saving.block, extent.blocks)) return false;
  const first = extent.first + saving.block;
  return begin(kernel, extent, {
    kind: "write",
    environment: saving.environment,
    extentRow: saving.extentRow,
    statusAddress: -1,
    statusFrame: -1,
    firstFrame: saving.frame,
    frames: BLOCK_BYTES / FRAME_BYTES,
    first,
    end: first + 1,
    next: first,
    saving: saving.entry,
  });
}

/**
 * Starts a transfer; false, with nothing changed, when it must wait.
 *
 * Blocks that are stale are never read from the disk: their part of the memory
 * is cleared, and the rest is read in pieces, one after another. So while an
 * extent has such blocks, a transfer waits for those that it shares a block with.
 */
function begin(kernel: Kernel, extent: ExtentRow, transfer: TransferRow): boolean {
  if (kernel.transfers.size >= TRANSFERS) return false;
  if (extent.stale > 0 && isDisturbed(kernel, transfer)) return false;
  const request = nextRequest(kernel, extent, transfer);
  if (request !== undefined && !submit(kernel, extent, transfer, request)) return false;
  if (extent.stale > 0 && transfer.kind === "read") clearStale(kernel, extent, transfer);
  extent.transfers += 1;
  pinFrames(kernel, transfer.firstFrame, transfer.frames);
  if (transfer.statusFrame >= 0) pinFrames(kernel, transfer.statusFrame, 1);
  setStatus(kernel, transfer, TRANSFER_STATUS.pending);
  const { machine, trace } = kernel;
  trace.record(machine.clock, TRACE_EVENTS.transferBegin, transfer.extentRow, transfer.end - transfer.first);
  if (request === undefined) complete(kernel, extent, transfer, true);
  return true;
}

/** True when a frame waits to be saved in one of these blocks: it goes first, or its owner could put it off for ever. O(queued). */
function isAwaited({ revocations }: Kernel, extentRow: number, block: number, count: number): boolean {
  return revocations.queued.some(
    (save) => save.extentRow === extentRow && save.block >= block && save.block < block + count,
  );
}

/** True when a transfer in flight shares a block with this one, and one of the two writes. O(transfers). */
function isDisturbed({ transfers }: Kernel, transfer: TransferRow): boolean {
  for (const other of transfers.values())
    if (
      other.extentRow === transfer.extentRow &&
      other.first < transfer.end &&
      transfer.first < other.end &&
      (other.kind === "write" || transfer.kind === "write")
    )
      return true;
  return false;
}

const isStale = ({ blocks }: Kernel, { disk }: ExtentRow, block: number): boolean => {
  const holders = blocks[disk];
  return holders !== undefined && holderOf(holders, block) === STALE;
};

/** What the device is to be asked next for a transfer; `undefined` when that was all. O(blocks). */
function nextRequest(kernel: Kernel, extent: ExtentRow, transfer: TransferRow): DiskRequest | undefined {
  const { kind, end } = transfer;
  let from = transfer.next;
  let to = end;
  if (kind === "read" && extent.stale > 0) {
    while (from < end && isStale(kernel, extent, from)) from += 1;
    for (to = from; to < end && !isStale(kernel, extent, to);) to += 1;
  }
  transfer.next = to;
  if (from === end) return undefined;
  return {
    kind,
    first: from as BlockNumber,
    count: to - from,
    address: addressOf(transfer, from),
  };
}

/** Where in physical memory a block of a transfer goes to or comes from. */
const addressOf = ({ firstFrame, first }: TransferRow, block: number): PhysicalAddress =>
  (firstFrame * FRAME_BYTES + (block - first) * BLOCK_BYTES) as PhysicalAddress;

/** Clears the memory that belongs to stale blocks. O(bytes). */
function clearStale(kernel: Kernel, extent: ExtentRow, transfer: TransferRow): void {
  const { memory, meter } = kernel.machine;
  for (let block = transfer.first; block < transfer.end; block++) {
    if (!isStale(kernel, extent, block)) continue;
    const at = addressOf(transfer, block);
    memory.bytes.fill(0, at, at + BLOCK_BYTES);
    meter.charge("touchByte", BLOCK_BYTES);
  }
}

function submit(kernel: Kernel, extent: ExtentRow, transfer: TransferRow, request: DiskRequest): boolean {
  const { disks, clock, memory, meter } = kernel.machine;
  const disk = disks[extent.disk];
  if (disk === undefined || !disk.submit(clock.now(), memory.bytes, request)) return false;
  kernel.transfers.set(request, transfer);
  meter.charge("deviceAccess", 1);
  return true;
}

/** Completions taken from one disk in one step. */
const COMPLETION_BATCH = 32;

/** Prepares the kernel's end of the disks: to be called once. */
export function connectDisks(kernel: Kernel): void {
  kernel.transferDone = (request, ok) => finish(kernel, request, ok);
}

/** Takes what the disks have finished; true if there was anything. O(batch). */
export function reapTransfers(kernel: Kernel): boolean {
  if (kernel.transfers.size === 0) return false;
  const { disks, clock } = kernel.machine;
  let any = false;
  for (let i = 0; i < disks.length; i++)
    if ((disks[i]?.reap(clock.now(), COMPLETION_BATCH, kernel.transferDone) ?? 0) > 0) any = true;
  return any;
}

/**
 * Finishes all transfers of `caller` while nobody runs. O(requests in flight).
 *
 * All its disks settle before one is reaped: to reap from a disk lets it begin what is queued.
 */
export function transfersWait(kernel: Kernel, caller: Environment): Sys<undefined, "Busy"> {
  while (isTransferring(kernel, caller)) {
    const due = settleDisks(kernel, caller);
    if (due === NEVER) return ERRORS.Busy;
    kernel.machine.processor.wait(due);
    reapTransfers(kernel);
  }
  return undefined;
}

function isTransferring({ transfers }: Kernel, caller: Environment): boolean {
  for (const { environment } of transfers.values()) if (environment === caller) return true;
  return false;
}

/** When the first disk with a transfer of `caller` has something, `NEVER` when that is not known. O(requests in flight). */
function settleDisks({ transfers, extents, machine }: Kernel, caller: Environment): Cycles {
  let first = NEVER;
  for (const { environment, extentRow } of transfers.values()) {
    const disk = extents.rows[extentRow]?.disk;
    if (environment !== caller || disk === undefined) continue;
    const due = machine.disks[disk]?.settle(machine.clock.now()) ?? NEVER;
    if (due < first) first = due;
  }
  return first;
}

/** The device is done with one request: on to the next piece, unless the extent's owner is gone, or that was the transfer. */
function finish(kernel: Kernel, request: DiskRequest, ok: boolean): void {
  const transfer = kernel.transfers.get(request);
  if (transfer === undefined) return;
  kernel.transfers.delete(request);
  const extent = kernel.extents.rows[transfer.extentRow];
  invariant(extent !== undefined, "a transfer without its extent");
  kernel.machine.meter.charge("deviceAccess", 1);
  if (transfer.kind === "write") noteWritten(kernel, extent, request, ok);
  const isCut = extent.orphan && transfer.next < transfer.end;
  const isOk = ok && !isCut;
  const next = isOk ? nextRequest(kernel, extent, transfer) : undefined;
  if (next === undefined) complete(kernel, extent, transfer, isOk);
  else if (!submit(kernel, extent, transfer, next)) complete(kernel, extent, transfer, false);
}

/** Notes whose bytes the written blocks contain. What a failed write left of a stale block stays stale. O(blocks). */
function noteWritten(kernel: Kernel, extent: ExtentRow, { first, count }: DiskRequest, ok: boolean): void {
  const holders = kernel.blocks[extent.disk];
  if (holders === undefined) return;
  const end = first + count;
  const holder = extent.owner.alive ? extent.owner.id : STALE;
  if (extent.stale === 0) return setHolder(holders, first, end, holder);
  for (let block: number = first; block < end; block++) {
    if (holderOf(holders, block) === STALE) {
      if (!ok || holder === STALE) continue;
      extent.stale -= 1;
    }
    setHolder(holders, block, block + 1, holder);
  }
}

function setStatus(kernel: Kernel, transfer: TransferRow, status: number): void {
  if (transfer.statusAddress >= 0) kernel.machine.memory.view.setUint32(transfer.statusAddress, status);
  if (transfer.saving !== undefined) transfer.saving.status = status;
}

function complete(kernel: Kernel, extent: ExtentRow, transfer: TransferRow, ok: boolean): void {
  setStatus(kernel, transfer, ok ? TRANSFER_STATUS.done : TRANSFER_STATUS.failed);
  unpinFrames(kernel, transfer.firstFrame, transfer.frames);
  if (transfer.statusFrame >= 0) unpinFrames(kernel, transfer.statusFrame, 1);
  extent.transfers -= 1;
  if (extent.orphan) releaseExtent(kernel, transfer.extentRow);
  if (transfer.environment.alive) notify(kernel, transfer.environment);
  const { machine, trace } = kernel;
  trace.record(machine.clock, TRACE_EVENTS.transferEnd, transfer.extentRow, transfer.end - transfer.first);
}
