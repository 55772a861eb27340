/** Rows found by the four numbers that name a connection: open addressing, keyed. */

const FREE = -1;

/**
 * A table of `rows` connections, by local and remote address and port.
 *
 * Columns: two addresses, both ports in one word. The index is twice as large
 * at least, probed linearly, repaired on removal, and hashed with `secret`, so
 * that nobody outside can aim at one chain. Never allocates after it is made.
 */
export class TupleTable {
  readonly rows: number;
  readonly #local: Uint32Array;
  readonly #remote: Uint32Array;
  readonly #ports: Uint32Array;
  readonly #index: Int32Array;
  readonly #mask: number;
  readonly #secret: number;
  readonly #free: Int32Array;
  #freeCount: number;
  #linked = 0;

  constructor(rows: number, secret: number) {
    const size = 2 ** Math.ceil(Math.log2(rows * 2));
    this.rows = rows;
    this.#local = new Uint32Array(rows);
    this.#remote = new Uint32Array(rows);
    this.#ports = new Uint32Array(rows);
    this.#index = new Int32Array(size).fill(FREE);
    this.#mask = size - 1;
    this.#secret = secret | 1;
    this.#free = Int32Array.from({ length: rows }, (_, row) => rows - 1 - row);
    this.#freeCount = rows;
  }

  /** Rows that can be found. */
  get count(): number {
    return this.#linked;
  }

  /** Rows that can be taken. */
  get free(): number {
    return this.#freeCount;
  }

  /** The row of a connection, or -1. O(1) expected. */
  find(local: number, remote: number, ports: number): number {
    for (let at = this.#hash(local, remote, ports); ; at = (at + 1) & this.#mask) {
      const row = this.#index[at] ?? FREE;
      if (row === FREE) return -1;
      if (this.#ports[row] === ports && this.#remote[row] === remote && this.#local[row] === local)
        return row;
    }
  }

  /** Takes a row and makes it findable; -1 when the table is full. The connection must not be in it. O(1) expected. */
  insert(local: number, remote: number, ports: number): number {
    if (this.#freeCount === 0) return -1;
    this.#freeCount -= 1;
    const row = this.#free[this.#freeCount] ?? 0;
    this.#local[row] = local;
    this.#remote[row] = remote;
    this.#ports[row] = ports;
    let at = this.#hash(local, remote, ports);
    while (this.#index[at] !== FREE) at = (at + 1) & this.#mask;
    this.#index[at] = row;
    this.#linked += 1;
    return row;
  }

  /** The row is no longer found, but stays taken. */
  unlink(row: number): void {
    let at = this.#hashOf(row);
    while (this.#index[at] !== row) at = (at + 1) & this.#mask;
    this.#linked -= 1;
    this.#close(at);
  }

  /** The row, unlinked before, may be taken again. */
  release(row: number): void {
    this.#free[this.#freeCount] = row;
    this.#freeCount += 1;
  }

  #hashOf(row: number): number {
    return this.#hash(this.#local[row] ?? 0, this.#remote[row] ?? 0, this.#ports[row] ?? 0);
  }

  #hash(local: number, remote: number, ports: number): number {
    let mixed = Math.imul(remote ^ this.#secret, 0x9e3779b1) ^ local;
    mixed = Math.imul((mixed ^ (mixed >>> 15) ^ ports) | 0, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), this.#secret);
    return (mixed ^ (mixed >>> 16)) & this.#mask;
  }

  // Closes the gap at `hole`: what was pushed past it moves back.
  #close(hole: number): void {
    let gap = hole;
    for (let at = (gap + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const row = this.#index[at] ?? FREE;
      if (row === FREE) break;
      const home = this.#hashOf(row);
      if (((at - home) & this.#mask) < ((at - gap) & this.#mask)) continue;
      this.#index[gap] = row;
      gap = at;
    }
    this.#index[gap] = FREE;
  }
}

/** Both ports as one key. */
export const portsOf = (localPort: number, remotePort: number): number =>
  ((localPort << 16) | remotePort) >>> 0;
