/** The blocks of an extent (X22), read and written by asynchronous transfers. */
import { ERRORS, TRANSFER_STATUS, failed } from "@exolith/exokernel/abi";
import type { CapSlot, ExtentId, Gate, KernelError, Window } from "@exolith/exokernel/abi";

/** Runs of blocks, moved to and from the server's own frames. */
export interface BlockStore {
  /** Blocks of the extent. */
  readonly blocks: number;
  /**
   * Queues a read of `count` blocks into `window` at `at`. False when the disk's queue is full.
   *
   * Otherwise `status(word)` is `pending` and becomes `done` or `failed` once. O(1).
   */
  read(first: number, count: number, window: Window, at: number, word: number): boolean;
  /** Queues a write, like `read`. */
  write(first: number, count: number, window: Window, at: number, word: number): boolean;
  /** A value of `TRANSFER_STATUS`. O(1). */
  status(word: number): number;
}

/** Bytes of a completion word. */
export const STATUS_BYTES = 4;

/** A part of a disk that the server may use. */
export interface DiskPart {
  /** The kernel's number of the disk. */
  readonly disk: number;
  /** First block of the part, and how many. */
  readonly first: number;
  readonly blocks: number;
  /** The slot whose capability has `allocate` over the disk's name. */
  readonly device: CapSlot;
}

/**
 * Binds `part` as an extent that `slot`'s capability guards.
 *
 * `statusWindow` holds the completion words. **Fails** as `extentAlloc` does.
 */
export function openBlockStore(
  gate: Gate,
  part: DiskPart,
  slot: CapSlot,
  statusWindow: Window,
): BlockStore | KernelError {
  const extent = gate.extentAlloc(part.disk, part.first, part.blocks, part.device, slot);
  return failed(extent) ? extent : new ExtentStore(gate, extent, part.blocks, [slot, statusWindow]);
}

class ExtentStore implements BlockStore {
  readonly blocks: number;
  readonly #gate: Gate;
  readonly #extent: ExtentId;
  readonly #slot: CapSlot;
  readonly #statusWindow: Window;
  readonly #transfer: {
    block: number;
    count: number;
    window: Window;
    at: number;
    statusWindow: Window;
    statusAt: number;
  };

  constructor(gate: Gate, extent: ExtentId, blocks: number, rest: readonly [CapSlot, Window]) {
    this.#gate = gate;
    this.#extent = extent;
    this.blocks = blocks;
    [this.#slot, this.#statusWindow] = rest;
    const window = this.#statusWindow;
    this.#transfer = { block: 0, count: 0, window, at: 0, statusWindow: window, statusAt: 0 };
  }

  read(first: number, count: number, window: Window, at: number, word: number): boolean {
    this.#prepare(first, count, window, at, word);
    return this.#accepted(this.#gate.extentRead(this.#extent, this.#transfer, this.#slot), word);
  }

  write(first: number, count: number, window: Window, at: number, word: number): boolean {
    this.#prepare(first, count, window, at, word);
    return this.#accepted(this.#gate.extentWrite(this.#extent, this.#transfer, this.#slot), word);
  }

  status(word: number): number {
    return this.#statusWindow.getU32(word * STATUS_BYTES);
  }

  #prepare(first: number, count: number, window: Window, at: number, word: number): void {
    const transfer = this.#transfer;
    transfer.block = first;
    transfer.count = count;
    transfer.window = window;
    transfer.at = at;
    transfer.statusAt = word * STATUS_BYTES;
    this.#statusWindow.setU32(transfer.statusAt, TRANSFER_STATUS.pending);
  }

  /** A refusal that waiting does not cure is a failed transfer. */
  #accepted(result: undefined | KernelError, word: number): boolean {
    if (!failed(result)) return true;
    if (result === ERRORS.Full) return false;
    this.#statusWindow.setU32(word * STATUS_BYTES, TRANSFER_STATUS.failed);
    return true;
  }
}
