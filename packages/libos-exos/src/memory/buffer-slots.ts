/** Buffer slots: equal pieces of memory, handed out and taken back without allocation. */
import { FRAME_BYTES, failed, type Window } from "@exolith/exokernel/abi";
import type { FramePool } from "./frame-pool.ts";

/** A piece of memory: bytes of `window` from `at`, as many as its stock says. */
export interface BufferSlot {
  readonly window: Window;
  readonly at: number;
}

/** A stock of buffer slots. */
export interface BufferSlots {
  /** Bytes of every slot. */
  readonly bytes: number;
  /** A slot, or `undefined` when all are taken. O(1); claims a run of frames when it grows. */
  allocate(): BufferSlot | undefined;
  /** Takes a slot back. O(1). */
  release(slot: BufferSlot): void;
  /**
   * Gives runs back to the kernel of which no slot is taken, until that are `frames` frames; how many they were.
   *
   * They are claimed again when they are needed. O(slots).
   */
  giveBack(frames: number): number;
  /** Slots handed out now. */
  readonly taken: number;
}

/** How large and how many. */
export interface BufferSlotsOptions {
  /** Bytes of one slot. */
  readonly slotBytes: number;
  /** Slots at most. */
  readonly slots: number;
  /** Slots claimed together, in one run of frames. */
  readonly slotsPerRun: number;
}

/** Slots cut from runs of frames of `pool`, claimed as they are first needed, and kept until they are asked back. */
export const makeBufferSlots = (pool: FramePool, options: BufferSlotsOptions): BufferSlots =>
  new Stock(pool, options);

class Stock implements BufferSlots {
  readonly bytes: number;
  readonly #pool: FramePool;
  readonly #slots: number;
  readonly #slotsPerRun: number;
  /** Slots that each run was cut into. */
  readonly #runs = new Map<Window, number>();
  #free: BufferSlot[] = [];
  #made = 0;

  constructor(pool: FramePool, { slotBytes, slots, slotsPerRun }: BufferSlotsOptions) {
    this.#pool = pool;
    this.bytes = slotBytes;
    this.#slots = slots;
    this.#slotsPerRun = slotsPerRun;
  }

  get taken(): number {
    return this.#made - this.#free.length;
  }

  allocate(): BufferSlot | undefined {
    return this.#free.length > 0 || this.#grow() ? this.#free.pop() : undefined;
  }

  release(slot: BufferSlot): void {
    this.#free.push(slot);
  }

  giveBack(frames: number): number {
    let given = 0;
    for (const [window, idle] of this.#idleSlots()) {
      if (given >= frames) break;
      const count = this.#pool.count(window);
      if (idle !== this.#runs.get(window) || !this.#pool.release(window)) continue;
      this.#runs.delete(window);
      this.#free = this.#free.filter((slot) => slot.window !== window);
      this.#made -= idle;
      given += count;
    }
    return given;
  }

  /** How many slots of each run are free. */
  #idleSlots(): ReadonlyMap<Window, number> {
    const idle = new Map<Window, number>();
    for (const { window } of this.#free) idle.set(window, (idle.get(window) ?? 0) + 1);
    return idle;
  }

  #grow(): boolean {
    const count = Math.min(this.#slotsPerRun, this.#slots - this.#made);
    if (count <= 0) return false;
    const window = this.#pool.run(Math.ceil((count * this.bytes) / FRAME_BYTES));
    if (failed(window)) return false;
    for (let i = count - 1; i >= 0; i--) this.#free.push({ window, at: i * this.bytes });
    this.#runs.set(window, count);
    this.#made += count;
    return true;
  }
}
