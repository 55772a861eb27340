/** The ARP table: one frame of rows with one writer, readable by whoever may bind the frame. */
import type { Window } from "@exolith/exokernel/abi";

// One row, 16 bytes, big-endian. Written by the table's owner only:
//   0  IPv4 address        4  state      5  requests sent     6  Ethernet address, high 16 bits
//   8  Ethernet address, low 32 bits    12  seconds since boot when the mapping was last heard
const ROW_BYTES = 16;
const ADDRESS = 0;
const STATE = 4;
const REQUESTS = 5;
const HIGH = 6;
const LOW = 8;
const HEARD = 12;

/** Rows of the table; they fill one frame. */
export const ARP_ROWS = 256;
/** Bytes of the table. */
export const ARP_TABLE_BYTES: number = ARP_ROWS * ROW_BYTES;

/** What a row is. */
export const ARP_STATE = {
  free: 0,
  /** Asked for; nothing to send to yet. */
  incomplete: 1,
  /** Heard within the reachable time. */
  reachable: 2,
  /** Not heard for longer; used, and asked for again at the next use. */
  stale: 3,
  /** Stale, in use, and being asked for. */
  probing: 4,
  /** Nobody answered; not asked for again until the hold-down ends. */
  unreachable: 5,
  /** Set by hand: never evicted, never changed by what is heard. */
  permanent: 6,
} as const;

/** Reads an ARP table; there is no way to write through it. */
export interface ArpReaders {
  readonly count: number;
  /** The row of `address`, -1 when it has none. O(rows). */
  find(address: number): number;
  address(row: number): number;
  /** A value of `ARP_STATE`. */
  state(row: number): number;
  /** Requests sent since the row was last confirmed. */
  requests(row: number): number;
  /** First two octets of the Ethernet address. */
  high(row: number): number;
  /** Last four octets of the Ethernet address. */
  low(row: number): number;
  /** Seconds since boot when the mapping was last heard. */
  heardSeconds(row: number): number;
}

/**
 * Readers over the table in `window`, from byte `at`.
 *
 * Another environment makes its own over a read-only window that it binds with
 * a capability that dominates the frame's guard without the right to write: the
 * kernel, not this library, keeps it from writing.
 */
export function arpReaders(window: Window, at: number = 0): ArpReaders {
  const row = (index: number): number => at + index * ROW_BYTES;
  const address = (index: number): number => window.getU32(row(index) + ADDRESS);
  const state = (index: number): number => window.getU8(row(index) + STATE);
  const find = (wanted: number): number => {
    for (let index = 0; index < ARP_ROWS; index++)
      if (address(index) === wanted && state(index) !== ARP_STATE.free) return index;
    return -1;
  };
  return Object.freeze({
    count: ARP_ROWS,
    find,
    address,
    state,
    requests: (index: number): number => window.getU8(row(index) + REQUESTS),
    high: (index: number): number => window.getU16(row(index) + HIGH),
    low: (index: number): number => window.getU32(row(index) + LOW),
    heardSeconds: (index: number): number => window.getU32(row(index) + HEARD),
  });
}

const BUCKETS = 512;
const bucketOf = (address: number): number => (Math.imul(address, 0x9e37_79b1) >>> 0) >>> 23;

/** States in which a row has no mapping: nothing is lost with it. */
export const isEmpty = (state: number): boolean =>
  state === ARP_STATE.incomplete || state === ARP_STATE.unreachable;

/** The one writer of a table: rows in memory, and an index and deadlines of its own. */
export class ArpTable {
  readonly readers: ArpReaders;
  /** When a row next needs attention, in cycles. */
  readonly due: Float64Array = new Float64Array(ARP_ROWS).fill(Infinity);
  readonly #window: Window;
  readonly #at: number;
  /** Order of last change or use: the lowest is the oldest. */
  readonly #changed = new Float64Array(ARP_ROWS);
  /** 1 once something was sent to the address of a row. */
  readonly #isUsed = new Uint8Array(ARP_ROWS);
  readonly #buckets = new Int16Array(BUCKETS).fill(-1);
  readonly #next = new Int16Array(ARP_ROWS).fill(-1);
  #changes = 0;
  #used = 0;
  #evicted = 0;

  /** Clears `ARP_TABLE_BYTES` of `window` from `at` and keeps the table there. */
  constructor(window: Window, at: number) {
    window.fill(at, ARP_TABLE_BYTES, 0);
    this.#window = window;
    this.#at = at;
    this.readers = arpReaders(window, at);
  }

  /** Rows in use, and rows thrown out to make room for others. */
  get used(): number {
    return this.#used;
  }
  get evicted(): number {
    return this.#evicted;
  }

  /** The row of `address`, -1 when it has none. O(1). */
  find(address: number): number {
    let row = this.#buckets[bucketOf(address)] ?? -1;
    while (row >= 0 && this.#window.getU32(this.#row(row) + ADDRESS) !== address) row = this.#next[row] ?? -1;
    return row;
  }

  /** A new row for `address`, which has none; -1 when every row is permanent. Evicts the oldest without a mapping, else the oldest that was only learnt, else the one least used. O(rows). */
  insert(address: number): number {
    const row = this.#room();
    if (row < 0) return -1;
    const bucket = bucketOf(address);
    this.#next[row] = this.#buckets[bucket] ?? -1;
    this.#buckets[bucket] = row;
    this.#window.setU32(this.#row(row) + ADDRESS, address);
    this.#used += 1;
    this.#isUsed[row] = 0;
    this.change(row, ARP_STATE.incomplete, 0, Infinity);
    return row;
  }

  /** Empties a row. O(rows of its bucket). */
  remove(row: number): void {
    this.#unlink(row);
    this.#window.fill(this.#row(row), ROW_BYTES, 0);
    this.due[row] = Infinity;
    this.#used -= 1;
  }

  /** Puts a row into `state`, with `requests` sent, to be looked at when `due`. O(1). */
  change(row: number, state: number, requests: number, due: number): void {
    this.#window.setU8(this.#row(row) + STATE, state);
    this.#window.setU8(this.#row(row) + REQUESTS, requests);
    this.#changed[row] = ++this.#changes;
    this.due[row] = due;
  }

  /** A row was used: it is the last to be evicted now. O(1). */
  touch(row: number): void {
    this.#isUsed[row] = 1;
    this.#changed[row] = ++this.#changes;
  }

  /** Writes the Ethernet address of a row and when it was heard. O(1). */
  map(row: number, high: number, low: number, seconds: number): void {
    const at = this.#row(row);
    this.#window.setU16(at + HIGH, high);
    this.#window.setU32(at + LOW, low);
    this.#window.setU32(at + HEARD, seconds);
  }

  state(row: number): number {
    return this.#window.getU8(this.#row(row) + STATE);
  }
  high(row: number): number {
    return this.#window.getU16(this.#row(row) + HIGH);
  }
  low(row: number): number {
    return this.#window.getU32(this.#row(row) + LOW);
  }

  #row(row: number): number {
    return this.#at + row * ROW_BYTES;
  }

  #room(): number {
    let oldest = -1;
    for (let row = 0; row < ARP_ROWS; row++) {
      const state = this.state(row);
      if (state === ARP_STATE.free) return row;
      if (state === ARP_STATE.permanent) continue;
      if (oldest < 0 || this.#goesBefore(row, oldest)) oldest = row;
    }
    if (oldest < 0) return -1;
    this.remove(oldest);
    this.#evicted += 1;
    return oldest;
  }

  #goesBefore(row: number, other: number): boolean {
    const [worth, others] = [this.#worthOf(row), this.#worthOf(other)];
    return worth === others ? (this.#changed[row] ?? 0) < (this.#changed[other] ?? 0) : worth < others;
  }

  /** What would be lost with a row: nothing, a mapping that nobody asked for, one that was of use. */
  #worthOf(row: number): number {
    return isEmpty(this.state(row)) ? 0 : 1 + (this.#isUsed[row] ?? 0);
  }

  #unlink(row: number): void {
    const bucket = bucketOf(this.readers.address(row));
    const follower = this.#next[row] ?? -1;
    let before = this.#buckets[bucket] ?? -1;
    if (before === row) this.#buckets[bucket] = follower;
    else {
      while (before >= 0 && this.#next[before] !== row) before = this.#next[before] ?? -1;
      if (before >= 0) this.#next[before] = follower;
    }
    this.#next[row] = -1;
  }
}

/** Checks the index against the rows; for tests. Throws when they disagree. */
export function checkArpTable(table: ArpTable): void {
  let used = 0;
  for (let row = 0; row < ARP_ROWS; row++) {
    if (table.state(row) === ARP_STATE.free) continue;
    used += 1;
    if (table.find(table.readers.address(row)) !== row) throw new Error(`row ${row} is not found`);
  }
  if (used !== table.used) throw new Error(`${used} rows in use, ${table.used} counted`);
}
