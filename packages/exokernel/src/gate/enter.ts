/** The ways into the kernel: counted, charged, traced, and with stack to finish on. */
import type { EntryPath } from "../abi/calls.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { DEEP, SHALLOW, proveHeadroom } from "./headroom.ts";

type Call = (a: unknown, b: unknown, c: unknown, d: unknown, f: unknown) => unknown;

/** Numbers of the paths in the trace. */
export const PATH_NUMBERS: { readonly [P in EntryPath]: number } = { short: 0, move: 1, long: 2 };

/** Entry to a call: the dead have no gate. O(1). */
function enter(k: Kernel, e: Environment, number: number, path: number): void {
  if (!e.alive) throw new Error("the environment of this gate is dead");
  countCall(e, number);
  k.machine.meter.charge("gateCall", 1);
  if (k.isTraced) k.trace.record(k.machine.clock, TRACE_EVENTS.call, e.id, (path << 8) | number);
}

/** Counts one call of an environment. */
export function countCall(e: Environment, number: number): void {
  e.calls += 1;
  e.callsOf[number] = (e.callsOf[number] ?? 0) + 1;
}

/** The short way: for a call that changes one thing. */
const short =
  (k: Kernel, e: Environment, number: number, call: Call): Call =>
  (a, b, c, d, f) => {
    enter(k, e, number, PATH_NUMBERS.short);
    return call(a, b, c, d, f);
  };

/** For a call that moves one packet or run of bytes: it must not run out of stack, but never goes deep. */
const move =
  (k: Kernel, e: Environment, number: number, call: Call): Call =>
  (a, b, c, d, f) => {
    proveHeadroom(SHALLOW);
    enter(k, e, number, PATH_NUMBERS.move);
    return call(a, b, c, d, f);
  };

/** For a call that changes several things: it must not run out of stack between two of them. */
const long =
  (k: Kernel, e: Environment, number: number, call: Call): Call =>
  (a, b, c, d, f) => {
    proveHeadroom(DEEP);
    enter(k, e, number, PATH_NUMBERS.long);
    k.machine.meter.charge("gateStack", 1);
    return call(a, b, c, d, f);
  };

const PATHS: { readonly [P in EntryPath]: typeof short } = { short, move, long };

/** A call with the entry of its path before it. */
export const withEntrance = (path: EntryPath): typeof short => PATHS[path];
