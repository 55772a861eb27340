/** How a program ended. */
import { FAULT_CAUSES, type ErrorName, type FaultCause } from "@exolith/exokernel/abi";
import type { LimitName } from "./program-limits.ts";
import type { ProgramRefusal } from "./program-refusal.ts";
import { printable } from "../text/printable.ts";

/** Names of the faults that stop a program. */
export type FaultName = keyof typeof FAULT_CAUSES;

/**
 * The limit that a program reached: one of its own, or `boardFrames`.
 *
 * That is the board's: a paged program, which takes frames as it needs them, was
 * below its own limit, and other programs had all that the board has.
 */
export type ReachedLimit = LimitName | "boardFrames";

/** Why a program never began: the kernel's error, or what the libOS found. */
export type StartError = ErrorName | "NoStart" | "NoSpace";

/** How a program ended. */
export type ProgramOutcome =
  /** It ended by itself: its exit code. */
  | { readonly kind: "exited"; readonly code: number }
  /** It raised a signal, of this number. */
  | { readonly kind: "signalled"; readonly signal: number }
  /** It reached a limit. */
  | { readonly kind: "limited"; readonly limit: ReachedLimit }
  /** The store of a paged program did not save a page, or did not bring it back. */
  | { readonly kind: "failed"; readonly part: "store" }
  /** It did what it must not; the address, which only paged programs have, is that of a memory fault. */
  | {
      readonly kind: "faulted";
      readonly fault: FaultName;
      readonly address: number | undefined;
      readonly reason: unknown;
    }
  /** It was stopped from outside. */
  | { readonly kind: "stopped" }
  /** It was never started: the kernel, or its libOS, refused it. A module that cannot be run is refused with the reason. */
  | {
      readonly kind: "refused";
      readonly error: StartError;
      readonly refusal?: ProgramRefusal | undefined;
    };

/** The exit code that a shell would see: signals and faults as 128 and a number, as POSIX has them. */
export function exitCode(outcome: ProgramOutcome): number {
  if (outcome.kind === "exited") return outcome.code & 0xff;
  if (outcome.kind === "signalled") return 128 + outcome.signal;
  if (outcome.kind === "refused") return NOT_EXECUTABLE;
  if (outcome.kind === "stopped") return 128 + SIGNALS.interrupt;
  if (outcome.kind === "failed") return 128 + SIGNALS.bus;
  if (outcome.kind === "limited")
    return 128 + (outcome.limit === "milliseconds" ? SIGNALS.processorTime : SIGNALS.kill);
  return 128 + (FAULT_SIGNALS[outcome.fault] ?? SIGNALS.abort);
}

const NOT_EXECUTABLE = 126;

/** Numbers of signals. */
const SIGNALS = {
  interrupt: 2,
  illegal: 4,
  abort: 6,
  bus: 7,
  arithmetic: 8,
  kill: 9,
  segment: 11,
  processorTime: 24,
} as const;

const FAULT_SIGNALS: Partial<Record<FaultName, number>> = {
  translation: SIGNALS.segment,
  protection: SIGNALS.segment,
  access: SIGNALS.segment,
  stack: SIGNALS.segment,
  division: SIGNALS.arithmetic,
  unreachable: SIGNALS.illegal,
};

const NAMES: ReadonlyMap<number, FaultName> = new Map(
  Object.entries(FAULT_CAUSES).map(([name, cause]) => [cause, name as FaultName]),
);

/** The name of a fault. */
export const faultName = (cause: FaultCause | 0): FaultName => NAMES.get(cause) ?? "trap";

/** One line for people. */
export function describeOutcome(outcome: ProgramOutcome): string {
  switch (outcome.kind) {
    case "exited":
      return `exited with ${outcome.code}`;
    case "signalled":
      return `ended by signal ${outcome.signal}`;
    case "limited":
      return outcome.limit === "boardFrames"
        ? "stopped: all frames of the board are taken, below its own limit"
        : `stopped: limit of ${outcome.limit} reached`;
    case "failed":
      return `stopped: the ${outcome.part} of its pages failed`;
    case "stopped":
      return "stopped";
    case "refused":
      return `not started: ${outcome.refusal === undefined ? describeError(outcome.error) : describeRefusal(outcome.refusal)}`;
    default:
      return describeFault(outcome.fault, outcome.address, outcome.reason);
  }
}

/** Words for the errors that people meet. */
const ERRORS: Partial<Record<StartError, string>> = {
  NoStart: "it exports no function _start without parameters",
  NoSpace: "all address spaces of the board are taken",
  Full: "there is no room for it: its limit of frames is too small, or the board is full",
  BadRange: "its limit of frames leaves no room for its memory",
};

const describeError = (error: StartError): string => ERRORS[error] ?? error;

function describeRefusal({ rule, what, at }: ProgramRefusal): string {
  const place = at < 0 ? "" : ` at byte ${at}`;
  return `${RULES[rule] ?? rule} (${printable(what)}${place})`;
}

const RULES: Partial<Record<ProgramRefusal["rule"], string>> = {
  NotAModule: "it is no WebAssembly module",
  Malformed: "its module is malformed",
  Invalid: "its module is not valid",
  TooLarge: "its module is too large",
  Unsupported: "it needs what is not supported",
  BadImport: "it imports what is not offered",
  NoRoom: "its memory has no room",
};

function describeFault(fault: FaultName, address: number | undefined, reason: unknown): string {
  if (address !== undefined) return `stopped: ${fault} fault at 0x${address.toString(16)}`;
  const text = reason instanceof Error ? ` (${printable(reason.message)})` : "";
  return `stopped: ${fault} fault${text}`;
}
