/** Calls on the program's surroundings: arguments, variables, clocks, chance, its end. */
import { clockOf, writeReading } from "./clock.ts";
import { type WasiContext, requireInside, setNumber } from "./context.ts";
import { SIGNALS } from "./layout.ts";
import { ProgramExit } from "./stop.ts";
import { WAIT } from "./waiting.ts";
import { ERRNO } from "../errno.ts";

/** Bytes that the source of randomness is asked for at a time. */
export const RANDOM_BYTES = 65_536;
/** Random bytes that are made before others get their turn. */
export const FILL_BYTES = 1_048_576;

/** Writes how many strings there are, and their bytes with all ends. */
function tellSizes(
  context: WasiContext,
  strings: readonly Uint8Array[],
  count: number,
  bytes: number,
): number {
  const memory = context.memory();
  memory.demand(count >>> 0, 4, true);
  memory.demand(bytes >>> 0, 4, true);
  memory.setU32LE(count >>> 0, strings.length);
  memory.setU32LE(bytes >>> 0, lengthOf(strings));
  return ERRNO.success;
}

const lengthOf = (strings: readonly Uint8Array[]): number =>
  strings.reduce((sum, { length }) => sum + length, 0);

/** Writes the strings, and where each begins. */
function tellStrings(
  context: WasiContext,
  strings: readonly Uint8Array[],
  list: number,
  bytes: number,
): number {
  const memory = context.memory();
  requireInside(memory, list >>> 0, 4 * strings.length);
  requireInside(memory, bytes >>> 0, lengthOf(strings));
  let at = bytes >>> 0;
  for (const [index, string] of strings.entries()) {
    memory.write(at, string, 0, string.length);
    memory.setU32LE((list >>> 0) + 4 * index, at);
    at += string.length;
  }
  return ERRNO.success;
}

/** `args_get`. */
export const argsGet =
  (context: WasiContext) =>
  (list: number, bytes: number): number =>
    tellStrings(context, context.args, list, bytes);

/** `args_sizes_get`. */
export const argsSizesGet =
  (context: WasiContext) =>
  (count: number, bytes: number): number =>
    tellSizes(context, context.args, count, bytes);

/** `environ_get`. */
export const environGet =
  (context: WasiContext) =>
  (list: number, bytes: number): number =>
    tellStrings(context, context.env, list, bytes);

/** `environ_sizes_get`. */
export const environSizesGet =
  (context: WasiContext) =>
  (count: number, bytes: number): number =>
    tellSizes(context, context.env, count, bytes);

/** `clock_res_get`. */
export const clockResGet =
  (context: WasiContext) =>
  (id: number, result: number): number => {
    const clock = clockOf(context.clocks, id);
    if (clock === undefined) return ERRNO.inval;
    const memory = context.memory();
    memory.demand(result >>> 0, 8, true);
    setNumber(memory, result >>> 0, clock.resolution);
    return ERRNO.success;
  };

/** `clock_time_get`; every reading is as exact as the clock is. */
export const clockTimeGet =
  (context: WasiContext) =>
  (id: number, _precision: bigint, result: number): number => {
    const clock = clockOf(context.clocks, id);
    if (clock === undefined) return ERRNO.inval;
    const { reading, words } = context.shared;
    clock.read(reading);
    writeReading(context.memory(), result >>> 0, reading, words);
    return ERRNO.success;
  };

/** `proc_exit`: does not come back. */
export const procExit =
  (_context: WasiContext) =>
  (code: number): number => {
    throw new ProgramExit(code >>> 0);
  };

/** Signals that nobody minds who has no handler. */
const HARMLESS: readonly string[] = ["none", "chld", "cont", "urg", "winch"];
/** Signals that stop a program until it is told to go on, which nobody here could. */
const STOPPING: readonly string[] = ["stop", "tstp", "ttin", "ttou"];

/** `proc_raise`: most signals end a program. */
export const procRaise =
  (_context: WasiContext) =>
  (signal: number): number => {
    const name = SIGNALS[signal >>> 0];
    if (name === undefined) return ERRNO.inval;
    if (HARMLESS.includes(name)) return ERRNO.success;
    if (STOPPING.includes(name)) return ERRNO.notsup;
    throw new ProgramExit(128 + signal, signal);
  };

/** Waits for nothing but the next turn. */
function giveWay(context: WasiContext): number {
  context.waiting().until = 0;
  return WAIT;
}

/** `sched_yield`: `WAIT` once, so that others get their turn. */
export const schedYield = (context: WasiContext) => (): number => {
  context.shared.yielded = !context.shared.yielded;
  return context.shared.yielded ? giveWay(context) : ERRNO.success;
};

/** Random bytes for a part of a buffer. */
function fill(context: WasiContext, address: number, length: number): void {
  const memory = context.memory();
  for (let done = 0; done < length;) {
    const count = Math.min(length - done, RANDOM_BYTES);
    const part = context.shared.staging.subarray(0, count);
    context.random(part);
    memory.write(address + done, part, 0, count);
    done += count;
  }
}

/** `random_get`; others get their turn within a long one. */
export const randomGet =
  (context: WasiContext) =>
  (buffer: number, length: number): number => {
    const address = buffer >>> 0;
    const total = length >>> 0;
    const memory = context.memory();
    if (total > 0) requireInside(memory, address, total);
    const begun = context.shared.fill;
    context.shared.fill = undefined;
    const done = begun?.address === address && begun.length === total ? begun.done : 0;
    const count = Math.min(total - done, FILL_BYTES);
    fill(context, address + done, count);
    if (done + count === total) return ERRNO.success;
    context.shared.fill = { address, length: total, done: done + count };
    return giveWay(context);
  };

/** The calls on sockets, of which there are none. */
export const onSocket =
  (context: WasiContext) =>
  (fd: number): number =>
    context.table.get(fd >>> 0) === undefined ? ERRNO.badf : ERRNO.notsock;
