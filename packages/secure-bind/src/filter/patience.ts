/** How long the demultiplexer interprets before it makes code. */

/** Frames to wait at most. */
export const PATIENCE_MAX = 65_536;

/**
 * Frames to wait after a change: twice as many after each that led to an attempt.
 *
 * Whoever makes changes again and again has code made a bounded number of
 * times, and less and less often; while nothing changes, `ease` halves the wait again.
 */
export class Patience {
  readonly #least: number;
  #frames: number;
  #left = 0;
  #hasBegun = false;

  /** Waits `least` frames at first, and never fewer. */
  constructor(least: number) {
    this.#least = least;
    this.#frames = least;
  }

  /** Something changed: the wait begins, or begins again. */
  begin(): void {
    this.#left = this.#frames;
    this.#hasBegun = true;
  }

  /** A frame comes: true while it is one to wait for. */
  waits(): boolean {
    if (this.#left <= 0) return false;
    this.#left--;
    return true;
  }

  /** An attempt was made, whatever became of it. */
  spend(): void {
    if (this.#hasBegun) this.#frames = Math.min(2 * this.#frames, Math.max(this.#least, PATIENCE_MAX));
    this.#hasBegun = false;
  }

  /** Nothing changed for long. */
  ease(): void {
    this.#frames = Math.max(this.#least, this.#frames / 2);
  }
}
