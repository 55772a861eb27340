/** Frames for pages: taken from the kernel in runs, handed out one page at a time. */
import {
  ERRORS,
  FRAME_BYTES,
  failed,
  type FrameNumber,
  type KernelError,
  type Window,
} from "@exolith/exokernel/abi";
import type { FramePool } from "@exolith/libos-exos";

/** Frames of one run, where so many are left. */
const RUN_FRAMES = 64;

/**
 * Places for pages, numbered from 0.
 *
 * Each is `pageBytes` long, begins at a multiple of that in physical memory, and
 * holds whatever was there last: whoever takes it clears it.
 */
export class PageFrames {
  readonly pageBytes: number;
  readonly #pool: FramePool;
  readonly #framesEach: number;
  readonly #framesMax: number;
  readonly #most: number;
  readonly #windows: Window[] = [];
  readonly #offsets: number[] = [];
  readonly #frames: FrameNumber[] = [];
  readonly #free: number[] = [];

  /** At most `frames` frames of `pool`. */
  constructor(pool: FramePool, pageBytes: number, frames: number) {
    this.#pool = pool;
    this.pageBytes = pageBytes;
    this.#framesEach = pageBytes / FRAME_BYTES;
    this.#framesMax = frames;
    this.#most = Math.floor(frames / this.#framesEach);
  }

  /** Places in use. */
  get used(): number {
    return this.#windows.length - this.#free.length;
  }

  /** Whether fewer than half of all places are in use. */
  get isAmple(): boolean {
    return 2 * this.used < this.#most;
  }

  /** Whether its own limit surely allows one more place: when none is to be had, others have the frames. */
  get isBelowLimit(): boolean {
    const most = this.#framesMax - (this.#framesEach - 1);
    return this.#windows.length < this.#most && this.held + this.#framesEach <= most;
  }

  /** Frames of the kernel's that it holds. */
  get held(): number {
    return this.#pool.held;
  }

  /** A place that nobody has; -1 when there is none. */
  take(): number {
    if (this.#free.length === 0) this.#more();
    return this.#free.pop() ?? -1;
  }

  /** Nobody has the place any more. */
  give(place: number): void {
    this.#free.push(place);
  }

  /** The window in which a place lies, its offset there, and its first frame. */
  window(place: number): Window {
    return this.#windows[place] as Window;
  }

  offset(place: number): number {
    return this.#offsets[place] ?? 0;
  }

  frame(place: number): FrameNumber {
    return this.#frames[place] as FrameNumber;
  }

  /** Where the first place of a run lies: a larger page begins at a multiple of its size, and frame 0 has no translation. */
  #start(first: number): number {
    return Math.max(Math.ceil(first / this.#framesEach) * this.#framesEach, this.#framesEach);
  }

  /** A run of `frames`; with what lies before its first place when it does not begin with one, so that the next does. */
  #run(frames: number): Window | KernelError {
    const window = this.#pool.run(frames);
    if (failed(window)) return window;
    const first = this.#pool.first(window);
    const before = this.#start(first) - first;
    if (before === 0) return window;
    return this.#pool.release(window) ? this.#pool.run(frames + before) : ERRORS.Full;
  }

  /** One more run: a whole one, else as small as can be. */
  #more(): void {
    const left = (this.#most - this.#windows.length) * this.#framesEach;
    for (
      let frames = Math.min(RUN_FRAMES, left);
      frames >= this.#framesEach;
      frames = Math.floor(frames / 2)
    ) {
      const window = this.#run(frames);
      if (failed(window)) continue;
      this.#add(window);
      if (this.#free.length > 0) return;
      this.#pool.release(window);
    }
  }

  #add(window: Window): void {
    const first = this.#pool.first(window);
    const count = this.#pool.count(window);
    const each = this.#framesEach;
    for (let at = this.#start(first); at + each <= first + count; at += each) {
      if (this.#windows.length >= this.#most) return;
      this.#free.push(this.#windows.length);
      this.#windows.push(window);
      this.#offsets.push((at - first) * FRAME_BYTES);
      this.#frames.push(at as FrameNumber);
    }
  }
}
