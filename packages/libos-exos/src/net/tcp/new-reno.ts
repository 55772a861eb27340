/**
 * NewReno: RFC 5681 with the recovery of RFC 6582, or of RFC 6675 where the peer
 * acknowledges selectively, and limited transmit (RFC 3042).
 *
 * Decisions: bytes are counted, at most two segments an acknowledgment in slow
 * start (RFC 3465, L = 2; L = 1 after a timeout), because a receiver that takes
 * packets in batches acknowledges several segments at once. The window grows only
 * while at least half of it is in use. The initial window is RFC 6928's.
 */
import type { AcknowledgedOutcome, CongestionControl } from "./congestion.ts";
import { advance, isAfter, isBefore } from "./sequence.ts";

const DUPLICATES = 3;

/** Text of a full segment on Ethernet, bytes: what the bound on the initial window is made of. */
const ETHERNET_TEXT = 1460;

/** The initial window in bytes, of `segments` unless they are long (RFC 6928 section 2). */
export const initialWindow = (segmentBytes: number, segments: number): number =>
  Math.min(segments * segmentBytes, Math.max(2 * segmentBytes, segments * ETHERNET_TEXT));

/** What may be different: see `TcpLimits`. */
export interface NewRenoOptions {
  readonly initialSegments: number;
  readonly limitedTransmit: boolean;
}

const DEFAULTS: NewRenoOptions = { initialSegments: 10, limitedTransmit: true };

/** NewReno for one connection. */
export class NewReno implements CongestionControl {
  readonly #initialSegments: number;
  readonly #limitedTransmit: boolean;
  #selective = false;
  #segment = 0;
  #window = 0;
  #threshold = Infinity;
  #duplicates = 0;
  #recovering = false;
  #partials = 0;
  /** Recovery ends when everything before it is acknowledged. */
  #recover = 0;
  /** Bytes acknowledged in congestion avoidance since the window last grew. */
  #counted = 0;
  #afterTimeout = false;
  /** Bytes in flight before limited transmit added to them. */
  #flight = 0;

  constructor(options: NewRenoOptions = DEFAULTS) {
    this.#initialSegments = options.initialSegments;
    this.#limitedTransmit = options.limitedTransmit;
  }

  get allowance(): number {
    const limited =
      this.#recovering || this.#selective || !this.#limitedTransmit
        ? 0
        : Math.min(this.#duplicates, DUPLICATES - 1);
    return this.#window + limited * this.#segment;
  }

  get isRecovering(): boolean {
    return this.#recovering;
  }

  /** cwnd, bytes. */
  get window(): number {
    return this.#window;
  }

  /** ssthresh, bytes. */
  get threshold(): number {
    return this.#threshold;
  }

  opened(segmentBytes: number, lost: boolean, sequence: number, selective: boolean): void {
    this.#selective = selective;
    this.#segment = segmentBytes;
    this.#window = lost ? segmentBytes : initialWindow(segmentBytes, this.#initialSegments);
    this.#threshold = Infinity;
    this.#duplicates = 0;
    this.#recovering = false;
    this.#recover = advance(sequence, -1);
    this.#counted = 0;
    this.#afterTimeout = false;
  }

  acknowledged(bytes: number, unacknowledged: number, flight: number): AcknowledgedOutcome {
    this.#duplicates = 0;
    if (!this.#recovering) {
      if (flight * 2 >= this.#window) this.#grow(bytes);
      this.#follow(unacknowledged);
      return "advance";
    }
    if (isBefore(unacknowledged, this.#recover)) return this.#selective ? "advance" : this.#partial(bytes);
    this.#window = this.#selective
      ? this.#threshold
      : Math.min(this.#threshold, Math.max(flight - bytes, this.#segment) + this.#segment);
    this.#recovering = false;
    this.#recover = advance(unacknowledged, -1);
    return "advance";
  }

  duplicated(unacknowledged: number, highest: number, flight: number, lost: boolean): boolean {
    this.#duplicates += 1;
    if (this.#duplicates === 1) this.#flight = flight;
    if (this.#recovering) {
      if (!this.#selective) this.#window += this.#segment;
      return false;
    }
    if (!this.#mayRecover(unacknowledged, lost)) return false;
    this.#threshold = Math.max(Math.min(flight, this.#flight) >>> 1, 2 * this.#segment);
    this.#window = this.#threshold + (this.#selective ? 0 : DUPLICATES * this.#segment);
    this.#recover = highest;
    this.#recovering = true;
    this.#partials = 0;
    return true;
  }

  timedOut(highest: number, flight: number, again: boolean): void {
    if (!again) this.#threshold = this.#halved(flight);
    this.#window = this.#segment;
    this.#recover = highest;
    this.#recovering = false;
    this.#duplicates = 0;
    this.#counted = 0;
    this.#afterTimeout = true;
  }

  idled(): void {
    this.#window = Math.min(this.#window, initialWindow(this.#segment, this.#initialSegments));
  }

  // Once for the same loss: RFC 6582 section 3.2 step 1, RFC 6675 section 5.1.
  #mayRecover(unacknowledged: number, lost: boolean): boolean {
    if (this.#selective)
      return (lost || this.#duplicates >= DUPLICATES) && !isBefore(unacknowledged, this.#recover);
    return this.#duplicates === DUPLICATES && isAfter(unacknowledged, this.#recover);
  }

  // Without this a mark left behind by half the sequence space would look as if it lay ahead.
  #follow(unacknowledged: number): void {
    if (isAfter(unacknowledged, this.#recover)) this.#recover = advance(unacknowledged, -1);
  }

  // In recovery what is in flight includes what has left the network: ssthresh was halved for it already.
  #halved(flight: number): number {
    const half = Math.max(flight >>> 1, 2 * this.#segment);
    return this.#recovering ? Math.min(this.#threshold, half) : half;
  }

  // RFC 6582 section 3.2 step 3: deflate by what was acknowledged, keep the pipe full.
  #partial(bytes: number): AcknowledgedOutcome {
    this.#window -= bytes;
    if (bytes >= this.#segment) this.#window += this.#segment;
    this.#window = Math.max(this.#window, this.#segment);
    this.#partials += 1;
    return this.#partials === 1 ? "firstPartial" : "laterPartial";
  }

  #grow(bytes: number): void {
    if (this.#window < this.#threshold) {
      this.#window += Math.min(bytes, (this.#afterTimeout ? 1 : 2) * this.#segment);
      return;
    }
    this.#afterTimeout = false;
    this.#counted += bytes;
    if (this.#counted < this.#window) return;
    this.#counted -= this.#window;
    this.#window += this.#segment;
  }
}
