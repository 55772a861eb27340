/** The clock of our timestamps. */
import type { TcpCore } from "./core.ts";

/** Ticks a second: the finest clock that RFC 7323 section 5.4 allows. */
export const TICKS_PER_SECOND = 1000;

/** TSval: milliseconds, from where the connection's own clock begins, so that nobody learns how long we have been up. */
export const ticks = (core: TcpCore, offset: number): number => (core.now * core.ticksPerCycle + offset) | 0;
