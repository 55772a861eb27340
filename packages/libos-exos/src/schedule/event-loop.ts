/** The event loop of an environment: poll what is due, then sleep until an event; give back what is asked for. */
import type { Cycles, Gate, ResourceKind, Upcalls } from "@exolith/exokernel/abi";

/** A part of an environment that the event loop serves. */
export interface Pollable {
  /** Does a bounded amount of work; true if it may have more at once. */
  poll(): boolean;
  /** When it next needs a poll without an event; `NEVER` when only events concern it. */
  wakeAt(): Cycles;
  /**
   * Gives resources of `kind` back to the kernel, `count` if it can do without so many; how many it gave.
   *
   * More when they come in larger pieces. A part that gave too few is asked again
   * for what is still missing, and hears a `count` of 0 when nothing is any more.
   */
  revoke?(kind: ResourceKind, count: number): number;
}

/** Rounds over all parts in one slice before the processor is given up. */
const ROUNDS = 16;

/** Serves `parts` in order, in every slice, and sleeps when none has work. */
export const eventLoop = (gate: Gate, parts: readonly Pollable[]): Upcalls => {
  const loop = new EventLoop(gate, parts);
  return {
    sliceBegin: () => loop.run(),
    revoke: (kind, count) => loop.revoke(kind, count),
  };
};

class EventLoop {
  readonly #gate: Gate;
  readonly #row: number;
  readonly #parts: readonly Pollable[];
  /** Kinds of which something is still wanted that the parts could not do without yet. */
  readonly #owed = new Set<ResourceKind>();

  constructor(gate: Gate, parts: readonly Pollable[]) {
    this.#gate = gate;
    this.#row = gate.self & 0xffff;
    this.#parts = parts;
  }

  run(): void {
    const seen = this.#gate.environments.events(this.#row);
    for (let round = 0; round < ROUNDS; round++) {
      let more = false;
      for (const part of this.#parts) {
        if (part.poll()) more = true;
        if (this.#owed.size > 0) this.#settle();
      }
      if (!more) {
        this.#gate.sleep(seen, earliest(this.#parts));
        return;
      }
    }
  }

  /** Parts are asked in their order, each for what is still missing. */
  revoke(kind: ResourceKind, count: number): void {
    let missing = count;
    for (const part of this.#parts) {
      if (missing <= 0) break;
      missing -= part.revoke?.(kind, missing) ?? 0;
    }
    if (missing > 0) this.#owed.add(kind);
    else this.#end(kind);
  }

  #end(kind: ResourceKind): void {
    this.#owed.delete(kind);
    for (const part of this.#parts) part.revoke?.(kind, 0);
  }

  /**
   * Tries again what was not there to be given when it was asked for; the kernel's table says how much is left.
   *
   * After every part: what one has let go goes to the kernel before another takes it.
   */
  #settle(): void {
    for (const kind of this.#owed) {
      const wanted = this.#gate.revocations.wanted(this.#row, kind);
      if (wanted === 0) this.#end(kind);
      else this.revoke(kind, wanted);
    }
  }
}

const earliest = (parts: readonly Pollable[]): Cycles => {
  let at = Infinity;
  for (const part of parts) at = Math.min(at, part.wakeAt());
  return at as Cycles;
};
