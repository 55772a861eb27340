/** What a file system in memory may use at most, and does use. */

/** Counts bytes and names against their limits. */
export class MemoryBudget {
  readonly maximumBytes: number;
  readonly maximumNodes: number;
  #bytes = 0;
  #nodes = 0;

  constructor(maximumBytes: number, maximumNodes: number) {
    this.maximumBytes = maximumBytes;
    this.maximumNodes = maximumNodes;
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Names in use, and things without one that are open. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Bytes that are left. */
  get bytesLeft(): number {
    return this.maximumBytes - this.#bytes;
  }

  /** Takes `bytes` if they are left. */
  takeBytes(bytes: number): boolean {
    if (bytes > this.bytesLeft) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBytes(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Takes one name if one is left. */
  takeNode(): boolean {
    if (this.#nodes >= this.maximumNodes) return false;
    this.#nodes++;
    return true;
  }

  giveNode(): void {
    this.#nodes--;
  }
}
