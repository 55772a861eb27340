/** Clocks as programs read them: 64-bit nanoseconds, without 64-bit arithmetic. */
import { CLOCK } from "./layout.ts";
import type { ProgramMemory } from "../memory/program-memory.ts";

/** What a clock says: whole seconds, at most 2^34, and nanoseconds below 10^9. Reused from reading to reading. */
export interface ClockReading {
  seconds: number;
  nanoseconds: number;
}

/** A clock. */
export interface Clock {
  /** Nanoseconds between two readings that can be told apart, at least 1. */
  readonly resolution: number;
  read(into: ClockReading): void;
}

/** The clocks of a program. */
export interface Clocks {
  /** Since 1970. */
  readonly realtime: Clock;
  /** Since whenever; never goes back. */
  readonly monotonic: Clock;
  /** The processor's time that this program has used. */
  readonly processor: Clock;
}

/** Nanoseconds of a second. */
export const SECOND = 1_000_000_000;
/** One more than the largest number of 32 bits. */
export const WORD: number = 2 ** 32;

/** The clock with this number; undefined when there is none. */
export function clockOf(clocks: Clocks, id: number): Clock | undefined {
  if (id === CLOCK.realtime) return clocks.realtime;
  if (id === CLOCK.monotonic) return clocks.monotonic;
  return id === CLOCK.processCpu || id === CLOCK.threadCpu ? clocks.processor : undefined;
}

const HALF = 65_536;

/** A number of 64 bits as two of 32. */
export interface Words {
  high: number;
  low: number;
}

/** The nanoseconds of a reading, exactly: no intermediate result reaches 2^53. */
export function toWords(reading: ClockReading, into: Words): void {
  const top = Math.floor(reading.seconds / HALF);
  const low = (reading.seconds - top * HALF) * SECOND + reading.nanoseconds;
  const upper = top * SECOND;
  const topWord = Math.floor(upper / HALF);
  const rest = (upper - topWord * HALF) * HALF + low;
  into.high = (topWord + Math.floor(rest / WORD)) >>> 0;
  into.low = rest >>> 0;
}

/** The nanoseconds of a reading as one number: exact below 2^53, 104 days. */
export const toNanoseconds = (reading: ClockReading): number =>
  reading.seconds * SECOND + reading.nanoseconds;

/** The nanoseconds of a reading as the file systems want them. */
export const toBig = (reading: ClockReading): bigint =>
  BigInt(reading.seconds) * BigInt(SECOND) + BigInt(reading.nanoseconds);

/** Writes a reading as 64 bits; `words` is scratch. */
export function writeReading(memory: ProgramMemory, at: number, reading: ClockReading, words: Words): void {
  toWords(reading, words);
  memory.demand(at, 8, true);
  memory.setU32LE(at, words.low);
  memory.setU32LE(at + 4, words.high);
}
