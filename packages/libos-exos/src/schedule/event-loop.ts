/** The event loop of an environment: poll what is due, then sleep until an event. */
import type { Cycles, Gate, Upcalls } from "@exolith/exokernel/abi";

/** A part of an environment that the event loop serves. */
export interface Pollable {
  /** Does a bounded amount of work; true if it may have more at once. */
  poll(): boolean;
  /** When it next needs a poll without an event; `NEVER` when only events concern it. */
  wakeAt(): Cycles;
}

/** Rounds over all parts in one slice before the processor is given up. */
const ROUNDS = 16;

/** Serves `parts` in order, in every slice, and sleeps when none has work. */
export function eventLoop(gate: Gate, parts: readonly Pollable[]): Upcalls {
  const row = gate.self & 0xffff;
  const sliceBegin = (): void => {
    const seen = gate.environments.events(row);
    for (let round = 0; round < ROUNDS; round++) {
      let more = false;
      for (const part of parts) if (part.poll()) more = true;
      if (!more) {
        gate.sleep(seen, earliest(parts));
        return;
      }
    }
  };
  return { sliceBegin };
}

const earliest = (parts: readonly Pollable[]): Cycles => {
  let at = Infinity;
  for (const part of parts) at = Math.min(at, part.wakeAt());
  return at as Cycles;
};
