/** The clocks of a program: the kernel's, which are read without a call. */
import type { Gate } from "@exolith/exokernel/abi";
import { type Clock, type ClockReading, type Clocks, SECOND } from "../wasi/clock.ts";

const MILLISECONDS = 1000;
const NANOSECONDS_OF_MILLISECOND = 1e6;

const clock = (resolution: number, read: (into: ClockReading) => void): Clock =>
  Object.freeze({ resolution, read });

/** A count of cycles as a reading. */
function readCycles(cycles: number, hertz: number, into: ClockReading): void {
  into.seconds = Math.floor(cycles / hertz);
  into.nanoseconds = Math.floor(((cycles - into.seconds * hertz) * SECOND) / hertz);
}

/**
 * The processor's time of the environment in `row`, in cycles; to be asked in its own slices.
 *
 * The kernel adds a slice when it ends: what has gone by of the one that runs is added
 * here, from its first reading on. It never goes back.
 */
export function processorTime(gate: Gate, row: number): () => number {
  const { environments } = gate;
  let slice = -1;
  let billed = 0;
  let since = 0;
  let last = 0;
  return () => {
    const used = environments.cyclesUsed(row);
    const now = gate.clock.now();
    const begun = environments.slicesBegun(row);
    if (begun !== slice || used !== billed) {
      slice = begun;
      billed = used;
      since = now;
    }
    last = Math.max(last, used + (now - since));
    return last;
  };
}

/** Clocks over those of the machine; `used` is the processor's time of the program, in cycles. */
export function programClocks(gate: Gate, used: () => number): Clocks {
  const { hertz } = gate.clock;
  const resolution = Math.max(1, Math.round(SECOND / hertz));
  return {
    realtime: clock(NANOSECONDS_OF_MILLISECOND, (into) => {
      const milliseconds = gate.clock.wallclock();
      into.seconds = Math.floor(milliseconds / MILLISECONDS);
      into.nanoseconds = Math.floor(
        (milliseconds - into.seconds * MILLISECONDS) * NANOSECONDS_OF_MILLISECOND,
      );
    }),
    monotonic: clock(resolution, (into) => readCycles(gate.clock.now(), hertz, into)),
    processor: clock(resolution, (into) => readCycles(used(), hertz, into)),
  };
}
