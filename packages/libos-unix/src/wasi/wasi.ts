/**
 * WASI preview 1 for one program: what it imports, over what it was given.
 *
 * A call answers at once, or returns `WAIT` and says in `waiting` what it waits
 * for; then whoever runs the program makes the same call again, with the same
 * arguments, when `mayGoOn` says so.
 */
import { CALLS, type CallRow, SIGNATURES, type WasiCall, type WasiSignature, callsOf } from "./calls.ts";
import { WasiContext, type WasiLedger, type WasiOptions, makeSharedState } from "./context.ts";
import { type Dialect, PREVIEW_1, UNSTABLE } from "./layout.ts";
import { WAIT, type Waiting } from "./waiting.ts";
import { ERRNO } from "../errno.ts";
import { MemoryFault } from "../memory/program-memory.ts";

/** Functions by module name and name, as a program imports them. */
export type WasiFunctions = Readonly<Record<string, Readonly<Record<string, WasiCall>>>>;

/** Preview 1, of one program. */
export interface Wasi {
  /** What programs import, of both modules: parameters of 64 bits are BigInts. */
  readonly functions: WasiFunctions;
  /** The types of all of them. */
  readonly signatures: readonly WasiSignature[];
  /** What the call waits for that returned `WAIT` last. */
  readonly waiting: Waiting;
  readonly ledger: WasiLedger;
}

/** A ledger in which nothing was used. */
export const makeWasiLedger = (): WasiLedger => ({
  calls: new Float64Array(CALLS.length),
  bytesRead: 0,
  bytesWritten: 0,
  outputBytes: 0,
});

/** How often each call was answered, by name; those that never were are left out. */
export const callCounts = (ledger: WasiLedger): Readonly<Record<string, number>> =>
  Object.fromEntries(
    CALLS.map(({ name }, number): [string, number] => [name, ledger.calls[number] ?? 0]).filter(
      ([, count]) => count > 0,
    ),
  );

/** Counts what was answered. */
function note(ledger: WasiLedger, number: number, answer: number): number {
  if (answer !== WAIT) ledger.calls[number] = (ledger.calls[number] ?? 0) + 1;
  return answer;
}

/** The error number of what was thrown, or throws it on. */
function faultOf(thrown: unknown): number {
  if (thrown instanceof MemoryFault) return ERRNO.fault;
  throw thrown;
}

/** A call as a program makes it: counted, with faults as error numbers. */
function guard(call: WasiCall, ledger: WasiLedger, number: number): WasiCall {
  // Five arguments need no array; few calls have more.
  return (a: never, b: never, c: never, d: never, e: never) => {
    try {
      return note(ledger, number, call(a, b, c, d, e));
    } catch (thrown) {
      return note(ledger, number, faultOf(thrown));
    }
  };
}

/** The same for calls with many arguments. */
const guardMany =
  (call: WasiCall, ledger: WasiLedger, number: number): WasiCall =>
  (...values: never[]) => {
    try {
      return note(ledger, number, call(...values));
    } catch (thrown) {
      return note(ledger, number, faultOf(thrown));
    }
  };

function functionsOf(context: WasiContext, dialect: Dialect): Readonly<Record<string, WasiCall>> {
  const guarded = (row: CallRow): WasiCall => {
    const number = CALLS.indexOf(row);
    const call = row.make(context);
    return (row.parameters.length > 5 ? guardMany : guard)(call, context.ledger, number);
  };
  return Object.freeze(Object.fromEntries(callsOf(dialect).map((row) => [row.name, guarded(row)])));
}

/**
 * Preview 1 for one program.
 *
 * Throws a `RangeError` for arguments and variables that C programs could not read.
 * A call throws `ProgramExit` and `LimitReached`, which stop the program, and what
 * its memory throws but `MemoryFault`.
 */
export function makeWasi(options: WasiOptions): Wasi {
  const ledger = options.ledger ?? makeWasiLedger();
  const shared = makeSharedState();
  const functions = [PREVIEW_1, UNSTABLE].map((dialect) => {
    const context = new WasiContext(options, dialect, shared, ledger);
    return [dialect.module, functionsOf(context, dialect)];
  });
  return Object.freeze({
    functions: Object.freeze(Object.fromEntries(functions)) as WasiFunctions,
    signatures: SIGNATURES,
    waiting: shared.waiting,
    ledger,
  });
}
