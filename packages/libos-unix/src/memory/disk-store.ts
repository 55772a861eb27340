/** Pages on blocks of a disk that the environment owns. */
import {
  FRAME_BYTES,
  TRANSFER_STATUS,
  failed,
  type CapSlot,
  type ExtentId,
  type Gate,
  type KernelError,
  type Window,
} from "@exolith/exokernel/abi";
import { makeFramePool } from "@exolith/libos-exos";
import type { BackingStore } from "./backing-store.ts";

/** Where pages go. */
export interface DiskStoreOptions {
  /** Disk, by index; its first block and how many, which must be free. */
  readonly disk: number;
  readonly first: number;
  readonly blocks: number;
  /** Slot with `allocate` over the disk. */
  readonly device: CapSlot;
  /** Slot that guards the blocks, and the frame for the completion word. */
  readonly slot: CapSlot;
  /** Bytes of a page: a multiple of a block's. */
  readonly pageBytes?: number;
}

/** Blocks that are bound, one run for each page. */
class DiskStore implements BackingStore {
  readonly places: number;
  readonly #gate: Gate;
  readonly #extent: ExtentId;
  readonly #slot: CapSlot;
  readonly #status: Window;
  readonly #blocksEach: number;

  constructor(gate: Gate, extent: ExtentId, status: Window, options: DiskStoreOptions) {
    this.#gate = gate;
    this.#extent = extent;
    this.#slot = options.slot;
    this.#status = status;
    this.#blocksEach = (options.pageBytes ?? FRAME_BYTES) / FRAME_BYTES;
    this.places = Math.floor(options.blocks / this.#blocksEach);
  }

  save(place: number, window: Window, at: number): boolean {
    return (
      !failed(this.#gate.extentWrite(this.#extent, this.#move(place, window, at), this.#slot)) && this.#wait()
    );
  }

  load(place: number, window: Window, at: number): boolean {
    return (
      !failed(this.#gate.extentRead(this.#extent, this.#move(place, window, at), this.#slot)) && this.#wait()
    );
  }

  #move(place: number, window: Window, at: number): Parameters<Gate["extentRead"]>[1] {
    const count = this.#blocksEach;
    return { block: place * count, count, window, at, statusWindow: this.#status, statusAt: 0 };
  }

  /** A fault cannot wait in any other way: the machine stands still. */
  #wait(): boolean {
    if (failed(this.#gate.transfersWait())) return false;
    return this.#status.getU32(0) === TRANSFER_STATUS.done;
  }
}

/**
 * A store on `blocks` blocks of a disk, bound now.
 *
 * **Fails** with what the kernel refuses: `BadCapability` without the right over
 * the disk, `Busy` when a block is held, `Full`.
 */
export function openDiskStore(gate: Gate, options: DiskStoreOptions): BackingStore | KernelError {
  const { disk, first, blocks, device, slot } = options;
  const status = makeFramePool(gate, slot, { start: 1 }).run(1);
  if (failed(status)) return status;
  const extent = gate.extentAlloc(disk, first, blocks, device, slot);
  return failed(extent) ? extent : new DiskStore(gate, extent, status, options);
}
