/** The ways into the kernel: with stack to finish on, counted, charged and traced. */
import { CALLS, type EntryPath } from "../abi/calls.ts";
import { ERRORS } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { proveCalleeHeadroom } from "../transfer/callee-headroom.ts";
import { proveHeadroom } from "./headroom.ts";

type Call = (a: unknown, b: unknown, c: unknown, d: unknown, f: unknown) => unknown;

/** Puts the entry to the kernel before a call. */
type Entrance = (k: Kernel, e: Environment, number: number, call: Call) => Call;

/** Numbers of the paths in the trace. */
export const PATH_NUMBERS: { readonly [P in EntryPath]: number } = { short: 0, move: 1, long: 2 };

/** Entry to a call: with headroom, so that none dies half done, and for the living, as the dead have no gate. O(1). */
function enter(k: Kernel, e: Environment, number: number, path: number): void {
  proveHeadroom();
  note(k, e, number, path);
}

/** The same for a call that may enter somebody else's code; in a callee the call itself sees whether there is room. */
function enterDeep(k: Kernel, e: Environment, number: number, path: number): void {
  if (k.transferDepth === 0) proveCalleeHeadroom();
  else proveHeadroom();
  note(k, e, number, path);
}

function note(k: Kernel, e: Environment, number: number, path: number): void {
  if (!e.alive) throw new Error("the environment of this gate is dead");
  countCall(e, number);
  if (k.isTraced) k.trace.record(k.machine.clock, TRACE_EVENTS.call, e.id, (path << 8) | number);
}

/** Counts one call of an environment. */
export function countCall(e: Environment, number: number): void {
  e.calls += 1;
  e.callsOf[number] = (e.callsOf[number] ?? 0) + 1;
}

/** The short way: for a call that changes one thing. */
const short: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enter(k, e, number, PATH_NUMBERS.short);
  k.machine.meter.charge("gateCall", 1);
  return call(a, b, c, d, f);
};

/** For a call that moves one packet or run of bytes. */
const move: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enter(k, e, number, PATH_NUMBERS.move);
  k.machine.meter.charge("gateCall", 1);
  return call(a, b, c, d, f);
};

/** For a call that changes several things, and needs a stack where the kernel has one of its own. */
const long: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enter(k, e, number, PATH_NUMBERS.long);
  k.machine.meter.charge("gateCall", 1);
  k.machine.meter.charge("gateStack", 1);
  return call(a, b, c, d, f);
};

/** The null call: entry is all there is to it, and a function of its own keeps others out of its way. */
const nothing: Entrance = (k, e, number) => () => {
  enter(k, e, number, PATH_NUMBERS.short);
  k.machine.meter.charge("gateCall", 1);
};

/** The short way for a call that may enter somebody else's code. */
const shortDeep: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enterDeep(k, e, number, PATH_NUMBERS.short);
  k.machine.meter.charge("gateCall", 1);
  return call(a, b, c, d, f);
};

/** The long way for a call that may enter somebody else's code. */
const longDeep: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enterDeep(k, e, number, PATH_NUMBERS.long);
  k.machine.meter.charge("gateCall", 1);
  k.machine.meter.charge("gateStack", 1);
  return call(a, b, c, d, f);
};

/**
 * For control transfers, which are outside the other ways (SOSP'95 section 5.5).
 *
 * One that takes place is charged as what it is, each way; one that is refused is a call.
 */
const control: Entrance = (k, e, number, call) => (a, b, c, d, f) => {
  enterDeep(k, e, number, PATH_NUMBERS.move);
  const result = call(a, b, c, d, f);
  if (typeof result === "object" && result !== ERRORS.Faulted) k.machine.meter.charge("gateCall", 1);
  return result;
};

const PATHS: { readonly [P in EntryPath]: Entrance } = { short, move, long };

/** The entrances of calls that have one of their own. */
const OWN: ReadonlyMap<number, Entrance> = new Map([
  [CALLS.nullCall.number, nothing],
  [CALLS.transfer.number, control],
  [CALLS.transferWords.number, control],
  [CALLS.transferAsync.number, shortDeep],
  [CALLS.transferReply.number, longDeep],
  [CALLS.handlerInstall.number, longDeep],
  [CALLS.programLoad.number, longDeep],
]);

/** A call with the entry of its path before it. */
export const withEntrance =
  (path: EntryPath): Entrance =>
  (k, e, number, call) =>
    (OWN.get(number) ?? PATHS[path])(k, e, number, call);
