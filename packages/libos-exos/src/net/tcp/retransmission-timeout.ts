/**
 * The retransmission timeout (RFC 6298), with Karn's rule kept by the caller.
 *
 * Decision: the lower bound is 200 ms by default, as in deployed stacks, and
 * not the 1 s of RFC 6298 (2.4); the timers have no coarse granularity here.
 */

/** Bounds in cycles. */
export interface TimeoutBounds {
  readonly initial: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Clock granularity G, as a part of the lower bound: negligible, but never 0. */
const GRANULARITY = 1 / 200;
/** The first timeout after a lost SYN, in initial timeouts (RFC 6298 section 5.7). */
const AFTER_LOST_SYN = 3;

/** Estimates the timeout of one connection from round-trip times. */
export class RetransmissionTimeout {
  readonly #bounds: TimeoutBounds;
  #smoothed = 0;
  #variation = 0;
  #timeout = 0;
  #backoffs = 0;

  constructor(bounds: TimeoutBounds) {
    this.#bounds = bounds;
    this.reset();
  }

  /** RTO in cycles, backed off as often as it has expired. */
  get cycles(): number {
    const timeout = this.#backoffs === 0 ? this.#timeout : this.#timeout * 2 ** this.#backoffs;
    return Math.min(timeout, this.#bounds.maximum);
  }

  /** SRTT in cycles; 0 before the first measurement. */
  get smoothed(): number {
    return this.#smoothed;
  }

  /** Expirations since the last measurement. */
  get backoffs(): number {
    return this.#backoffs;
  }

  /** Forgets everything, for a new connection. */
  reset(): void {
    this.#smoothed = 0;
    this.#variation = 0;
    this.#timeout = this.#bounds.initial;
    this.#backoffs = 0;
  }

  /** A round trip took `cycles`: of a segment that was sent once only. Ends the backing off. */
  measured(cycles: number): void {
    if (this.#smoothed === 0) {
      this.#smoothed = cycles;
      this.#variation = cycles / 2;
    } else {
      this.#variation += (Math.abs(this.#smoothed - cycles) - this.#variation) / 4;
      this.#smoothed += (cycles - this.#smoothed) / 8;
    }
    const margin = Math.max(this.#bounds.minimum * GRANULARITY, 4 * this.#variation);
    this.#timeout = Math.max(this.#smoothed + margin, this.#bounds.minimum);
    this.#backoffs = 0;
  }

  /** The timer expired. */
  backOff(): void {
    this.#backoffs += 1;
  }

  /** A closed window was probed and answered, or opened: the pauses start anew. */
  restart(): void {
    this.#backoffs = 0;
  }

  /** The handshake is over, but a SYN was lost on the way. */
  handshakeLost(): void {
    this.#timeout = AFTER_LOST_SYN * this.#bounds.initial;
    this.#backoffs = 0;
  }
}
