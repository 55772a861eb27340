/** One run of a program: what it is given, and what it gives back. */
import { type ExtentList, makeExtentList, wipeExtents } from "./extents.ts";
import { UDF_ARGUMENTS, UDF_STEPS } from "./limits.ts";
import type { UdfKind } from "./term.ts";

/** Why a run ended without an answer. */
export const UDF_FAULTS = [
  /** A load of a byte behind the last one. */
  "OutOfBounds",
  /** A division by zero, or its remainder. */
  "DivideByZero",
  /** A list of statements costs more steps than are left. */
  "OutOfSteps",
  /** An `acl` said neither 0 nor 1. */
  "BadAnswer",
  /** The program said so. */
  "Raised",
  /** An emitted extent reaches beyond the last block number there is. */
  "BadExtent",
  /** The caller's list is full. */
  "TooManyExtents",
] as const;

/** One of `UDF_FAULTS`. */
export type UdfFaultReason = (typeof UDF_FAULTS)[number];

/** Why a run ended without an answer, as a value: frozen, one for each reason. */
export interface UdfFault {
  readonly reason: UdfFaultReason;
}

const FAULTS: ReadonlyMap<UdfFaultReason, UdfFault> = new Map(
  UDF_FAULTS.map((reason) => [reason, Object.freeze({ reason })]),
);

/** The one fault of this reason. */
export function udfFault(reason: UdfFaultReason): UdfFault {
  const known = FAULTS.get(reason);
  if (known === undefined) throw new RangeError("no such fault");
  return known;
}

/** The answer of an `acl` or a `size`, or how many extents an `owns` emitted; or a fault. */
export type UdfOutcome = number | UdfFault;

/** True when a run ended without an answer. */
export const isUdfFault = (outcome: UdfOutcome): outcome is UdfFault => typeof outcome === "object";

/**
 * What a run is given and what it gives back. Made once, used again and again.
 *
 * **Owner** whoever made it. A program keeps nothing of it from run to run.
 */
export interface UdfRun {
  /** Where the block begins in the memory, and its bytes: less than 2^32. */
  at: number;
  length: number;
  /** Where the proposed bytes begin, and how many there are; only an `acl` reads them. */
  proposedAt: number;
  proposedLength: number;
  /** Words for an `acl`. */
  readonly arguments: Uint32Array;
  /** At most so many steps; no more than `UDF_STEPS`. */
  stepLimit: number;
  /** Steps that the last run took, also when it ended with a fault; 0 when the caller made a mistake. */
  steps: number;
  /** What an `owns` emitted, in that order. Empty after a fault, and after a caller's mistake. */
  readonly extents: ExtentList;
}

/** A run with no bytes, arguments of 0, all the steps there are, and a list for `extents`. */
export const makeUdfRun = (extents: ExtentList = makeExtentList()): UdfRun => ({
  at: 0,
  length: 0,
  proposedAt: 0,
  proposedLength: 0,
  arguments: new Uint32Array(UDF_ARGUMENTS),
  stepLimit: UDF_STEPS,
  steps: 0,
  extents,
});

/** A verified program that can be run. Never throws because of what it was given in bytes. Frozen. */
export interface UdfProgram<K extends UdfKind = UdfKind> {
  (run: UdfRun): UdfOutcome;
  readonly kind: K;
}

/** `run`, which runs a program of this kind, as a program. */
export const udfProgram = <K extends UdfKind>(kind: K, run: (run: UdfRun) => UdfOutcome): UdfProgram<K> =>
  Object.freeze(Object.assign(run, { kind }));

/** The longest range: a length is a word. */
const LENGTH_MAX = 0xffff_ffff;

const isCount = (value: number, most: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= most;

const isInside = (at: number, length: number, bytes: number): boolean =>
  isCount(length, Math.min(bytes, LENGTH_MAX)) && isCount(at, bytes - length);

function mistakeIn(run: UdfRun, bytes: number): string | undefined {
  if (!isInside(run.at, run.length, bytes)) return "a block outside memory";
  if (!isInside(run.proposedAt, run.proposedLength, bytes)) return "proposed bytes outside memory";
  return isCount(run.stepLimit, UDF_STEPS) ? undefined : "no such limit of steps";
}

/** **Fails** throws when the caller's bytes do not lie in a memory of `bytes` bytes, or its steps are too many. */
export function checkRun(run: UdfRun, bytes: number): void {
  const mistake = mistakeIn(run, bytes);
  if (mistake === undefined) return;
  run.steps = 0;
  wipeExtents(run.extents);
  throw new RangeError(mistake);
}
