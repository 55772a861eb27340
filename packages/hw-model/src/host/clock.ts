/** The host's clock: nanoseconds, monotonic. */
import type { Clock } from "../clock.ts";
import type { Cycles } from "../units.ts";

/** Nanoseconds in a second: the host machine counts its cycles in them. */
export const HOST_HERTZ = 1e9;

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Found once: to find it costs as much as to ask it. */
const { performance } = globalThis;

const now = (): Cycles => Math.floor(performance.now() * NANOSECONDS_PER_MILLISECOND) as Cycles;

/**
 * A clock of whole nanoseconds since this Node.js thread started.
 *
 * Every host clock of a thread has the same origin, so that two machines on
 * one virtual wire agree about the time. Exact for 104 days (2^53 ns), after
 * that it loses single nanoseconds.
 */
export const makeHostClock = (): Clock => Object.freeze({ hertz: HOST_HERTZ, now, wallclock: Date.now });
