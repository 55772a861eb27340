/** Disk transfers: queued, completed by a word in the caller's own memory. */
import {
  BLOCK_BYTES,
  FRAME_BYTES,
  type BlockNumber,
  type DiskRequest,
  type PhysicalAddress,
} from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { TRANSFER_STATUS, type Transfer } from "../abi/calls/disk.ts";
import { TRANSFERS } from "../abi/limits.ts";
import { authorise } from "../capability/authority.ts";
import { isIndex, isRun } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { BoundWindow } from "../memory/bound-window.ts";
import { pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { ownBinding } from "../memory/window-calls.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { releaseExtent, type TransferRow } from "./extent-table.ts";

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
  const memory = resolve(caller, request.kind, copyTransfer(request.transfer));
  const extent = rowFor(kernel.extents, request.extent);
  if (extent === undefined || extent.orphan) return ERRORS.BadExtent;
  const needed = request.kind === "write" ? RIGHTS.write : RIGHTS.none;
  const refused = authorise(kernel, caller, request.slot, extent.guard, needed);
  if (refused !== undefined) return refused;
  if ("name" in memory) return memory;
  if (!isRun(memory.block, memory.count, extent.blocks)) return ERRORS.BadRange;
  const disk = kernel.machine.disks[extent.disk];
  if (disk === undefined || kernel.transfers.size >= TRANSFERS) return ERRORS.Full;
  const queued: DiskRequest = {
    kind: request.kind,
    first: (extent.first + memory.block) as BlockNumber,
    count: memory.count,
    address: memory.address as PhysicalAddress,
  };
  const { clock, memory: ram } = kernel.machine;
  if (!disk.submit(clock.now(), ram.bytes, queued)) return ERRORS.Full;
  const extentRow = kernel.extents.ids.rowOf(request.extent);
  begin(kernel, queued, transferRow(caller, extentRow, memory));
  extent.transfers += 1;
  return undefined;
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

/** Blocks in the longest transfer: 4 MiB. */
const TRANSFER_BLOCKS = 1024;

const transferRow = (environment: Environment, extentRow: number, memory: TransferMemory): TransferRow => ({
  environment,
  extentRow,
  statusAddress: memory.statusAddress,
  firstFrame: memory.address / FRAME_BYTES,
  frames: (memory.count * BLOCK_BYTES) / FRAME_BYTES,
  statusFrame: Math.floor(memory.statusAddress / FRAME_BYTES),
});

function begin(kernel: Kernel, request: DiskRequest, transfer: TransferRow): void {
  pinFrames(kernel, transfer.firstFrame, transfer.frames);
  pinFrames(kernel, transfer.statusFrame, 1);
  kernel.machine.memory.view.setUint32(transfer.statusAddress, TRANSFER_STATUS.pending);
  kernel.transfers.set(request, transfer);
  kernel.machine.meter.charge("deviceAccess", 1);
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.transferBegin, transfer.extentRow, request.count);
}

/** Completions taken from one disk in one step. */
const COMPLETION_BATCH = 32;

/** Takes what the disks have finished; true if there was anything. O(batch). */
export function reapTransfers(kernel: Kernel): boolean {
  if (kernel.transfers.size === 0) return false;
  let any = false;
  const done = (request: DiskRequest, ok: boolean): void => finish(kernel, request, ok);
  for (const disk of kernel.machine.disks)
    if (disk.reap(kernel.machine.clock.now(), COMPLETION_BATCH, done) > 0) any = true;
  return any;
}

function finish(kernel: Kernel, request: DiskRequest, ok: boolean): void {
  const transfer = kernel.transfers.get(request);
  if (transfer === undefined) return;
  kernel.transfers.delete(request);
  const { view } = kernel.machine.memory;
  view.setUint32(transfer.statusAddress, ok ? TRANSFER_STATUS.done : TRANSFER_STATUS.failed);
  unpinFrames(kernel, transfer.firstFrame, transfer.frames);
  unpinFrames(kernel, transfer.statusFrame, 1);
  const extent = kernel.extents.rows[transfer.extentRow];
  if (extent !== undefined) {
    extent.transfers -= 1;
    if (extent.orphan) releaseExtent(kernel, transfer.extentRow);
  }
  if (transfer.environment.alive) notify(kernel, transfer.environment);
  kernel.machine.meter.charge("deviceAccess", 1);
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.transferEnd, transfer.extentRow, request.count);
}
