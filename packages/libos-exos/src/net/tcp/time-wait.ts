/** TIME-WAIT as tombstones: a few words a connection, not a control block. */
import type { Tuple } from "./initial-sequence.ts";
import { TupleTable, portsOf } from "./tuple-table.ts";

const NONE = -1;

/** What a connection leaves behind. */
export interface Departed extends Tuple {
  readonly isTimestamping: boolean;
  /** TS.Recent. */
  readonly timestampRecent: number;
  readonly timestampOffset: number;
}

/**
 * A fixed table of connections in TIME-WAIT, the oldest first.
 *
 * All wait equally long, so a list in order of restart is in order of expiry.
 * Expired rows are removed when somebody looks. Never allocates after it is made.
 */
export class TimeWaitTable {
  readonly #tuples: TupleTable;
  readonly #wait: number;
  readonly #sendNext: Int32Array;
  readonly #receiveNext: Int32Array;
  readonly #isTimestamping: Uint8Array;
  readonly #timestampRecent: Int32Array;
  readonly #timestampOffset: Int32Array;
  readonly #expires: Float64Array;
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  #oldest = NONE;
  #newest = NONE;

  constructor(rows: number, wait: number, secret: number) {
    this.#tuples = new TupleTable(rows, secret);
    this.#wait = wait;
    this.#sendNext = new Int32Array(rows);
    this.#receiveNext = new Int32Array(rows);
    this.#isTimestamping = new Uint8Array(rows);
    this.#timestampRecent = new Int32Array(rows);
    this.#timestampOffset = new Int32Array(rows);
    this.#expires = new Float64Array(rows);
    this.#older = new Int32Array(rows).fill(NONE);
    this.#newer = new Int32Array(rows).fill(NONE);
  }

  /** Connections in TIME-WAIT, expired ones that nobody has removed included. */
  get count(): number {
    return this.#tuples.count;
  }

  /** SND.NXT: what our ACKs say. */
  sendNext(row: number): number {
    return this.#sendNext[row] ?? 0;
  }

  /** RCV.NXT: after the peer's FIN. */
  receiveNext(row: number): number {
    return this.#receiveNext[row] ?? 0;
  }

  /** Its segments had timestamps. */
  isTimestamping(row: number): boolean {
    return this.#isTimestamping[row] === 1;
  }

  /** TS.Recent. */
  timestampRecent(row: number): number {
    return this.#timestampRecent[row] ?? 0;
  }

  /** Where our timestamps begin. */
  timestampOffset(row: number): number {
    return this.#timestampOffset[row] ?? 0;
  }

  /** The row of a connection at `now`, or -1. O(1) expected. */
  find(tuple: Tuple, now: number): number {
    const row = this.#tuples.find(
      tuple.localAddress,
      tuple.remoteAddress,
      portsOf(tuple.localPort, tuple.remotePort),
    );
    if (row === NONE || now < (this.#expires[row] ?? 0)) return row;
    this.remove(row);
    return NONE;
  }

  /** A connection begins its wait. True if the oldest had to make room. O(1) expected. */
  insert(departed: Departed, sendNext: number, receiveNext: number, now: number): boolean {
    const isFull = this.#tuples.free === 0;
    if (isFull) this.remove(this.#oldest);
    const ports = portsOf(departed.localPort, departed.remotePort);
    const row = this.#tuples.insert(departed.localAddress, departed.remoteAddress, ports);
    this.#sendNext[row] = sendNext;
    this.#receiveNext[row] = receiveNext;
    this.#isTimestamping[row] = departed.isTimestamping ? 1 : 0;
    this.#timestampRecent[row] = departed.timestampRecent;
    this.#timestampOffset[row] = departed.timestampOffset;
    this.#append(row, now);
    return isFull;
  }

  /** The wait of `row` begins anew. O(1). */
  restart(row: number, now: number): void {
    this.#detach(row);
    this.#append(row, now);
  }

  /** Forgets `row`. O(1) expected. */
  remove(row: number): void {
    this.#detach(row);
    this.#tuples.unlink(row);
    this.#tuples.release(row);
  }

  /** Removes what has expired, at most `limit` rows. O(limit). */
  expire(now: number, limit: number): void {
    for (let left = limit; left > 0 && this.#oldest !== NONE; left--) {
      if (now < (this.#expires[this.#oldest] ?? 0)) return;
      this.remove(this.#oldest);
    }
  }

  #append(row: number, now: number): void {
    this.#expires[row] = now + this.#wait;
    this.#older[row] = this.#newest;
    this.#newer[row] = NONE;
    if (this.#newest === NONE) this.#oldest = row;
    else this.#newer[this.#newest] = row;
    this.#newest = row;
  }

  #detach(row: number): void {
    const older = this.#older[row] ?? NONE;
    const newer = this.#newer[row] ?? NONE;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }
}
