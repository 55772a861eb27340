/** What everything in a memory file system has: a number, names, times, and an end. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import type { FileType } from "../wasi/layout.ts";
import type { FileStat } from "./file-system.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** What the things of one memory file system share. */
export interface MemorySystem {
  readonly device: bigint;
  readonly budget: MemoryBudget;
  /** Nanoseconds since 1970. */
  readonly now: () => bigint;
  /** The last serial number given; none is given twice. */
  serial: bigint;
}

/**
 * One thing's number, names and times.
 *
 * **Holds** the budget is charged one node a name, and one for a thing without a
 * name that is still open; `gone` runs once, when it has neither.
 */
export class MemoryIdentity {
  readonly system: MemorySystem;
  readonly serial: bigint;
  readonly #gone: () => void;
  #accessed: bigint;
  #modified: bigint;
  #changed: bigint;
  #names = 0;
  #openings = 0;

  constructor(system: MemorySystem, gone: () => void) {
    this.system = system;
    this.serial = ++system.serial;
    this.#gone = gone;
    const now = system.now();
    this.#accessed = now;
    this.#modified = now;
    this.#changed = now;
  }

  /** Names that lead to it. */
  get names(): number {
    return this.#names;
  }

  /** True when it has no name and is not open: nothing can be done with it any more. */
  get ended(): boolean {
    return this.#names === 0 && this.#openings === 0;
  }

  /** Counts its first name; `nospc` at the limit. */
  addFirstName(): Outcome {
    if (!this.system.budget.takeNode()) return refuse("nospc");
    this.#names = 1;
    return 0;
  }

  /** Counts a further name; `noent` when it has none any more, `nospc` at the limit. */
  addName(): Outcome {
    if (this.#names === 0) return refuse("noent");
    if (!this.system.budget.takeNode()) return refuse("nospc");
    this.#names++;
    this.markChanged();
    return 0;
  }

  /** Counts one name less. */
  dropName(): void {
    this.#names--;
    this.markChanged();
    if (this.#names > 0 || this.#openings === 0) this.system.budget.giveNode();
    if (this.ended) this.#gone();
  }

  /** Counts an opening; `noent` when it has ended. */
  hold(): Outcome {
    if (this.ended) return refuse("noent");
    this.#openings++;
    return 0;
  }

  /** Counts one opening less. */
  release(): void {
    this.#openings--;
    if (!this.ended) return;
    this.system.budget.giveNode();
    this.#gone();
  }

  stat(fileType: FileType, links: number, size: number): FileStat {
    return {
      device: this.system.device,
      serial: this.serial,
      fileType,
      links: BigInt(links),
      size: BigInt(size),
      accessed: this.#accessed,
      modified: this.#modified,
      changed: this.#changed,
    };
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    this.#accessed = accessed ?? this.#accessed;
    this.#modified = modified ?? this.#modified;
    this.markChanged();
    return 0;
  }

  /** It was read: noted at the first time after a change, so that reading stays cheap. */
  markRead(): void {
    if (this.#accessed <= this.#modified || this.#accessed <= this.#changed)
      this.#accessed = this.system.now();
  }

  /** What it holds changed. */
  markModified(): void {
    this.#modified = this.system.now();
    this.#changed = this.#modified;
  }

  /** What is said of it changed. */
  markChanged(): void {
    this.#changed = this.system.now();
  }
}
