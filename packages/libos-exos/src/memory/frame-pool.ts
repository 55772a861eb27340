/** Frames in hand: named runs of frames, claimed by reading the published free map. */
import type { CapSlot, FrameNumber, Gate, Sys, Window } from "@exolith/exokernel/abi";
import { ABI_VERSION, ERRORS, FRAME_BYTES, TABLE_VERSION, failed, frame } from "@exolith/exokernel/abi";

/** The versions this library was written for. */
const WRITTEN_FOR = { abi: 5, tables: 5 } as const;

/** Searches that may lose their run to somebody else before `run` gives up. */
const ATTEMPTS = 8;

/** What a frame pool may be told. */
export interface FramePoolOptions {
  /** Frames it may hold at once; unlimited when absent. */
  readonly framesMax?: number;
  /** Frame at which the first search starts; 0 when absent. */
  readonly start?: number;
}

/**
 * Runs of neighbouring frames, found without a call and claimed with one.
 *
 * The search is first fit from where the last one ended, over the kernel's
 * frame table: an environment chooses its own frames. **Fragmentation**: a run
 * must be contiguous, and a bound frame cannot move; a pool of many small runs
 * can leave no room for a large one. Claim large runs early and keep them.
 */
export interface FramePool {
  /** Frames held now, and the most ever held. */
  readonly held: number;
  readonly heldMost: number;
  /** Runs held now. */
  readonly runs: number;
  /**
   * Claims `count` neighbouring frames and binds a writable window over them.
   *
   * They hold zeros, or what this environment itself left there last.
   *
   * **Cost** two calls, and O(frames of RAM) reads at worst. **Fails** `Full`:
   * no such run is free, or the pool's limit is reached; `BadSlot` and
   * `BadCapability`: the pool's slot guards nothing or may not write.
   */
  run(count: number): Sys<Window, "Full" | "BadSlot" | "BadCapability" | "BadRange">;
  /** The first frame of a window that `run` returned. Throws a `RangeError` for any other. */
  first(window: Window): FrameNumber;
  /** Frames under a window that `run` returned; 0 for any other. */
  count(window: Window): number;
  /** Gives a run back; its window dies. False when it is not the pool's, or a ring or transfer still pins it. */
  release(window: Window): boolean;
}

interface Run {
  readonly first: FrameNumber;
  readonly count: number;
}

/** Throws when the kernel's interface or tables are not those this library was written for. */
export function checkVersions(abi: number = ABI_VERSION, tables: number = TABLE_VERSION): void {
  if (abi !== WRITTEN_FOR.abi || tables !== WRITTEN_FOR.tables)
    throw new Error(
      `written for kernel interface ${WRITTEN_FOR.abi}.${WRITTEN_FOR.tables}, found ${abi}.${tables}`,
    );
}

/** A pool whose frames are guarded by `slot`'s capability. Throws when the kernel's versions are not ours. */
export function makeFramePool(gate: Gate, slot: CapSlot, options: FramePoolOptions = {}): FramePool {
  checkVersions(gate.abiVersion, gate.tableVersion);
  return new Pool(gate, slot, options);
}

/** The first frame of the first `count` free neighbours in `[from, to)`, -1 when there are none. Reads only. */
export function findFreeRun(gate: Pick<Gate, "frames">, count: number, from: number, to: number): number {
  const { frames } = gate;
  let length = 0;
  for (let at = from; at < to; at++) {
    length = frames.owner(at) === 0 ? length + 1 : 0;
    if (length === count) return at - count + 1;
  }
  return -1;
}

class Pool implements FramePool {
  readonly #gate: Gate;
  readonly #slot: CapSlot;
  readonly #framesMax: number;
  readonly #held = new Map<Window, Run>();
  #hint: number;
  #frames = 0;
  #most = 0;

  constructor(gate: Gate, slot: CapSlot, options: FramePoolOptions) {
    this.#gate = gate;
    this.#slot = slot;
    this.#framesMax = options.framesMax ?? Infinity;
    this.#hint = options.start ?? 0;
  }

  get held(): number {
    return this.#frames;
  }
  get heldMost(): number {
    return this.#most;
  }
  get runs(): number {
    return this.#held.size;
  }

  run(count: number): Sys<Window, "Full" | "BadSlot" | "BadCapability" | "BadRange"> {
    if (!(Number.isInteger(count) && count > 0)) return ERRORS.BadRange;
    if (this.#frames + count > this.#framesMax) return ERRORS.Full;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const first = this.#find(count);
      if (first < 0) return ERRORS.Full;
      const got = this.#gate.framesAlloc(frame(first), count, this.#slot);
      this.#hint = first + count;
      if (!failed(got)) return this.#bind(got, count);
      if (got.name === "BadSlot") return got;
    }
    return ERRORS.Full;
  }

  first(window: Window): FrameNumber {
    const run = this.#held.get(window);
    if (run === undefined) throw new RangeError("not a window of this pool");
    return run.first;
  }

  count(window: Window): number {
    return this.#held.get(window)?.count ?? 0;
  }

  release(window: Window): boolean {
    const run = this.#held.get(window);
    if (run === undefined || failed(this.#gate.framesFree(run.first, run.count, this.#slot))) return false;
    this.#held.delete(window);
    this.#frames -= run.count;
    this.#hint = Math.min(this.#hint, run.first);
    return true;
  }

  #find(count: number): number {
    const end = this.#gate.frames.count;
    const after = findFreeRun(this.#gate, count, this.#hint, end);
    return after >= 0 ? after : findFreeRun(this.#gate, count, 0, Math.min(end, this.#hint + count));
  }

  #bind(first: FrameNumber, count: number): Sys<Window, "BadSlot" | "BadCapability" | "Full"> {
    const window = this.#gate.windowBind(first, count, true, this.#slot);
    if (failed(window)) {
      this.#gate.framesFree(first, count, this.#slot);
      return window.name === "BadSlot" || window.name === "BadCapability" ? window : ERRORS.Full;
    }
    this.#held.set(window, { first, count });
    this.#frames += count;
    this.#most = Math.max(this.#most, this.#frames);
    return window;
  }
}

/** Frames that hold `bytes` bytes. */
export const framesFor = (bytes: number): number => Math.ceil(bytes / FRAME_BYTES);
