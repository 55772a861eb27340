/** Protected control transfer (SOSP'95 section 5.5). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

type TransferRefusal = "BadEnvironment" | "NoEntry" | "Blocked" | "TooDeep" | "BadRange" | "Faulted";

/** Says which transfers the caller accepts. */
export const transferAllow = (_caller: Environment, _kinds: unknown): Sys<undefined, "BadRange"> =>
  ERRORS.BadRange;

/** Names the place for words. */
export const transferBuffer = (
  _caller: Environment,
  _window: unknown,
  _at: unknown,
): Sys<undefined, "BadWindow" | "BadRange"> => ERRORS.BadRange;

/** Synchronous. */
export function transfer(
  _kernel: Kernel,
  _caller: Environment,
  _target: unknown,
  _registers: Registers,
): Sys<number | undefined, TransferRefusal> {
  return ERRORS.NoEntry;
}

/** The registers of a transfer. */
export interface Registers {
  readonly a: unknown;
  readonly b: unknown;
  readonly c: unknown;
  readonly d: unknown;
}

/** What `transferWords` is asked for. */
export interface WordsRequest {
  readonly target: unknown;
  readonly window: unknown;
  readonly at: unknown;
  readonly count: unknown;
  readonly a: unknown;
}

/** Synchronous, with words. */
export function transferWords(
  _kernel: Kernel,
  _caller: Environment,
  _request: WordsRequest,
): Sys<number | undefined, TransferRefusal | "BadWindow"> {
  return ERRORS.NoEntry;
}

/** Asynchronous: initiated now, arrives when the upcall returns. */
export function transferAsync(
  _kernel: Kernel,
  _caller: Environment,
  _target: unknown,
  _registers: Registers,
): Sys<undefined, "BadEnvironment" | "NoEntry" | "Blocked" | "Busy" | "BadRange"> {
  return ERRORS.NoEntry;
}

/** Lets a caller go that is kept. */
export function transferReply(
  _kernel: Kernel,
  _caller: Environment,
  _to: unknown,
  _registers: Registers,
): Sys<undefined, "BadEnvironment" | "BadRange"> {
  return ERRORS.BadEnvironment;
}

/** Carries out what an upcall of `from` initiated. */
export function arrive(_kernel: Kernel, _from: Environment): void {}

/** Ends every transfer that an environment is part of: whoever it keeps goes on, with no reply. */
export function releaseTransfers(_kernel: Kernel, _environment: Environment): void {}
