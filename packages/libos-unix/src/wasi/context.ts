/** What all calls of one program share: its memory, its descriptors, and room to work in. */
import type { ClockReading, Clocks, Words } from "./clock.ts";
import { toNanoseconds } from "./clock.ts";
import type { Dialect } from "./layout.ts";
import { Pieces } from "./pieces.ts";
import { type Waiting, clearWaiting, makeWaiting } from "./waiting.ts";
import type { Stream } from "../descriptor/stream.ts";
import type { DescriptorTable } from "../descriptor/table.ts";
import { MemoryFault, type ProgramMemory } from "../memory/program-memory.ts";

/** What a program has used of its libOS; counted by the calls, read by anybody. */
export interface WasiLedger {
  /** Calls that were answered, by the number of their row in `CALLS`. */
  readonly calls: Float64Array;
  /** Bytes that left files and streams for the program. */
  bytesRead: number;
  /** Bytes that the program put into files and streams. */
  bytesWritten: number;
  /** Those of them that went to streams, which is what `outputBytes` limits. */
  outputBytes: number;
}

/** Bounds on what calls may do. */
export interface WasiLimits {
  /** Bytes that may be written to streams; the write after the last stops the program. */
  readonly outputBytes?: number;
}

/** What a program is given. */
export interface WasiOptions {
  /** Its memory; asked for at each call, so it may be there later than this. */
  readonly memory: () => ProgramMemory;
  /** Its arguments, the first of them its own name. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clocks: Clocks;
  /** Fills all of `into` with random bytes; at most `RANDOM_BYTES` at a time. */
  readonly random: (into: Uint8Array) => void;
  readonly descriptors: DescriptorTable;
  readonly limits?: WasiLimits;
  readonly ledger?: WasiLedger;
}

/** Bytes that are copied at a time between a program and what is open. */
export const STAGING_BYTES = 65_536;
/** Bytes that one read or write moves at most; it says so, and the program goes on. */
export const TRANSFER_BYTES = 16_777_216;

/** A poll that was begun: what was asked, and when each of its clocks is due. */
export interface BegunPoll {
  input: number;
  output: number;
  count: number;
  /** Times of the monotonic clock, by subscription. */
  due: Float64Array;
}

/** A filling with random bytes that was begun. */
export interface BegunFill {
  address: number;
  length: number;
  done: number;
}

/**
 * The state of one program's calls.
 *
 * **Holds** what a call has begun (`poll`, `fill`, `yielded`) is there only between
 * its return of `WAIT` and the same call made again.
 */
export class WasiContext {
  readonly memory: () => ProgramMemory;
  readonly table: DescriptorTable;
  readonly clocks: Clocks;
  readonly random: (into: Uint8Array) => void;
  readonly dialect: Dialect;
  readonly ledger: WasiLedger;
  readonly outputLimit: number;
  readonly args: Uint8Array[];
  readonly env: Uint8Array[];
  readonly shared: SharedState;

  constructor(options: WasiOptions, dialect: Dialect, shared: SharedState, ledger: WasiLedger) {
    this.memory = options.memory;
    this.table = options.descriptors;
    this.clocks = options.clocks;
    this.random = options.random;
    this.dialect = dialect;
    this.ledger = ledger;
    this.outputLimit = options.limits?.outputBytes ?? Number.POSITIVE_INFINITY;
    this.args = strings(options.args ?? []);
    this.env = strings(Object.entries(options.env ?? {}).map(variable));
    this.shared = shared;
  }

  /** The monotonic clock now, in nanoseconds. */
  now(): number {
    this.clocks.monotonic.read(this.shared.reading);
    return toNanoseconds(this.shared.reading);
  }

  /** Begins a wait for nothing yet. */
  waiting(): Waiting {
    clearWaiting(this.shared.waiting);
    return this.shared.waiting;
  }
}

/** What both dialects work in: scratch, and what was begun. */
export interface SharedState {
  readonly staging: Uint8Array;
  readonly pieces: Pieces;
  readonly reading: ClockReading;
  readonly words: Words;
  /** 8 bytes, through which 64-bit numbers become two of 32. */
  readonly big: DataView;
  readonly waiting: Waiting;
  poll: BegunPoll | undefined;
  fill: BegunFill | undefined;
  yielded: boolean;
  /** Serial numbers of streams that were told, and the last of them. */
  readonly streams: WeakMap<Stream, number>;
  streamsTold: number;
}

/** A state in which nothing was begun. */
export function makeSharedState(): SharedState {
  return {
    staging: new Uint8Array(STAGING_BYTES),
    pieces: new Pieces(),
    reading: { seconds: 0, nanoseconds: 0 },
    words: { high: 0, low: 0 },
    big: new DataView(new ArrayBuffer(8)),
    waiting: makeWaiting(),
    poll: undefined,
    fill: undefined,
    yielded: false,
    streams: new WeakMap(),
    streamsTold: 0,
  };
}

function variable([name, value]: [string, string]): string {
  if (name === "" || name.includes("=")) throw new RangeError(`${JSON.stringify(name)} names no variable`);
  return `${name}=${value}`;
}

/** Strings as C has them, with their end. */
function strings(all: readonly string[]): Uint8Array[] {
  if (all.some((each) => each.includes("\0"))) throw new RangeError("arguments and variables have no U+0000");
  const encoder = new TextEncoder();
  return all.map((each) => encoder.encode(`${each}\0`));
}

/** Whether a range lies in the program's memory as it is now. */
export const inside = (memory: ProgramMemory, at: number, length: number): boolean =>
  at + length <= memory.length;

/** Makes sure that a range lies in the program's memory; throws `MemoryFault`. */
export function requireInside(memory: ProgramMemory, at: number, length: number): void {
  if (at + length > memory.length) throw new MemoryFault();
}

/** Writes a number below 2^53 as 64 bits. */
export function setNumber(memory: ProgramMemory, at: number, value: number): void {
  memory.setU32LE(at, value >>> 0);
  memory.setU32LE(at + 4, Math.floor(value / 2 ** 32));
}

/** Writes the lowest 64 bits of a number, without arithmetic on it; `scratch` is 8 bytes. */
export function setBig(memory: ProgramMemory, at: number, value: bigint, scratch: DataView): void {
  scratch.setBigUint64(0, value, true);
  memory.setU32LE(at, scratch.getUint32(0, true));
  memory.setU32LE(at + 4, scratch.getUint32(4, true));
}

/** A 64-bit number of the program's that is to be below 2^53 and not negative; -1 when it is not. */
export function toSize(value: bigint): number {
  const size = Number(value);
  return size >= 0 && size <= Number.MAX_SAFE_INTEGER ? size : -1;
}
