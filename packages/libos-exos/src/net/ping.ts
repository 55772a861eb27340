/** Ping: echo requests at an interval, and the time until each comes back. */
import type { Gate } from "@exolith/exokernel/abi";
import type { EchoData, Icmp } from "./icmp.ts";

/** What to ask, and how often. */
export interface PingOptions {
  readonly destination: number;
  /** Tells the replies of this ping from others', 0 to 65,535. */
  readonly identifier: number;
  /** Requests in all. */
  readonly count: number;
  /** Cycles between requests, and how long the last one is waited for. */
  readonly intervalCycles: number;
  readonly data?: EchoData;
}

/** Hears of each reply: `roundTripCycles` after its request; and the end, with how many came back. */
export interface PingHandler {
  replied(sequence: number, roundTripCycles: number): void;
  done(replies: number): void;
}

/** A ping under way; serve it in the event loop, after the network. */
export class Ping {
  readonly #gate: Pick<Gate, "clock">;
  readonly #icmp: Icmp;
  readonly #options: PingOptions;
  readonly #handler: PingHandler;
  readonly #sentAt: Float64Array;
  #sent = 0;
  #replies = 0;
  #due = 0;

  constructor(gate: Pick<Gate, "clock">, icmp: Icmp, options: PingOptions, handler: PingHandler) {
    this.#gate = gate;
    this.#icmp = icmp;
    this.#options = options;
    this.#handler = handler;
    this.#sentAt = new Float64Array(options.count).fill(-1);
    icmp.listen(options.identifier, (source, sequence) => this.#heard(source, sequence));
  }

  /** Sends what is due; a request that cannot leave yet is tried again after an eighth of the interval. */
  poll(): boolean {
    const now = this.#gate.clock.now();
    if (now < this.#due) return false;
    const { count, destination, identifier, intervalCycles, data } = this.#options;
    if (this.#sent === count) this.#finish();
    else if (this.#icmp.echo(destination, identifier, this.#sent, data) === "sent") {
      this.#sentAt[this.#sent] = now;
      this.#sent += 1;
      this.#due = now + intervalCycles;
    } else this.#due = now + intervalCycles / 8;
    return false;
  }

  /** When `poll` is next needed, in cycles. */
  wakeAt(): number {
    return this.#due;
  }

  #heard(source: number, sequence: number): void {
    const sentAt = this.#sentAt[sequence] ?? -1;
    if (source !== this.#options.destination || sentAt < 0) return;
    this.#sentAt[sequence] = -1;
    this.#replies += 1;
    this.#handler.replied(sequence, this.#gate.clock.now() - sentAt);
    if (this.#replies === this.#options.count) this.#finish();
  }

  #finish(): void {
    if (this.#due === Infinity) return;
    this.#due = Infinity;
    this.#icmp.listen(this.#options.identifier, undefined);
    this.#handler.done(this.#replies);
  }
}
