/** What a program may use, and what it has used. */
import type { PagerLedger } from "../memory/pager.ts";

/**
 * Bounds of one program; each stops it with an outcome that names it, but descriptors, which are refused with `mfile`.
 *
 * Frames are no reservation: a program in a segment takes all of its own when it starts, a paged
 * one as it touches pages, and may find that others have those of the board (`boardFrames`).
 */
export interface ProgramLimits {
  /** Frames of 4 KiB for its memory and its context. */
  readonly frames?: number;
  /** Milliseconds of the processor. */
  readonly milliseconds?: number;
  /** Descriptors that may be open at once. */
  readonly descriptors?: number;
  /** Bytes that may be written to streams. */
  readonly outputBytes?: number;
}

/** The name of a limit. */
export type LimitName = keyof ProgramLimits;

/** Descriptors that a limit may allow at most: as many have a place from the start. */
const DESCRIPTORS_MAX = 2 ** 20;

/** Frames of the largest machine: 4 GiB. */
const FRAMES_MAX = 2 ** 20;

/** What each limit may be, besides a whole number of at least 0. */
const MOST: Readonly<Record<LimitName, number>> = {
  frames: FRAMES_MAX,
  milliseconds: Infinity,
  descriptors: DESCRIPTORS_MAX,
  outputBytes: Infinity,
};

/** Parts of a millisecond are time, too. */
const isAmount = (name: LimitName, value: unknown): boolean =>
  typeof value === "number" &&
  value >= 0 &&
  value <= MOST[name] &&
  (name === "milliseconds" || value === Infinity || Number.isInteger(value));

/**
 * A copy of `limits` without those that are `undefined`, as they are at this time.
 *
 * Throws a `RangeError` that names the first that is no amount: below 0, broken, not a
 * number, or more than can be. `outputBytes` and `milliseconds` may be infinite.
 */
export function checkLimits(limits: ProgramLimits = {}): ProgramLimits {
  const checked: Partial<Record<LimitName, number>> = {};
  for (const name of Object.keys(MOST) as LimitName[]) {
    const value = limits[name];
    if (value === undefined) continue;
    if (!isAmount(name, value)) throw new RangeError(`limit of ${name}: ${String(value)} is no amount of it`);
    checked[name] = value;
  }
  return Object.freeze(checked);
}

/** Frames that a program has unless it is told otherwise: 64 MiB. */
export const PROGRAM_FRAMES = 16_384;
/** Frames of them in which its calls are saved while it does not run: 512 KiB. */
export const CONTEXT_FRAMES = 128;

/** What a program has used, up to now. */
export interface ProgramLedger {
  /** Frames that it holds, its context included. */
  readonly frames: number;
  /** Milliseconds of the processor, as of the end of its last slice. */
  readonly milliseconds: number;
  /** Instructions, and bytes moved many at a time. */
  readonly fuel: number;
  /** Pages of 64 KiB of its memory. */
  readonly memoryPages: number;
  /** Times that it was suspended, and slices that it was given. */
  readonly suspensions: number;
  readonly slices: number;
  /** Descriptors that are open. */
  readonly descriptors: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly outputBytes: number;
  /** Calls of its libOS that were answered, by name. */
  readonly calls: Readonly<Record<string, number>>;
  /** Calls of the kernel that its libOS made. */
  readonly kernelCalls: number;
  /** Of a paged program. */
  readonly paging: Readonly<PagerLedger> | undefined;
}
