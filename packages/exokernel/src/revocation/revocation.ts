/** Visible revocation: ask, deadline, abort (SOSP'95 sections 3.3 and 3.4). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import { NEVER, type Cycles } from "../abi/ids.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** What the kernel keeps of all revocations. */
export interface RevocationTotals {
  asked: number;
  answered: number;
  aborted: number;
  /** State of the generator that picks whom to ask: never 0. */
  seed: number;
}

/** Nothing asked yet; the generator starts from the machine's random device. */
export function makeRevocationTotals(random: {
  fill(memory: Uint8Array, at: number, length: number): void;
}): RevocationTotals {
  const bytes = new Uint8Array(4);
  random.fill(bytes, 0, 4);
  const seed = new DataView(bytes.buffer).getUint32(0) | 1;
  return { asked: 0, answered: 0, aborted: 0, seed };
}

/** What `revocationAsk` is asked for. */
export interface AskRequest {
  readonly environment: unknown;
  readonly kind: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

/** Asks an environment for resources. */
export const revocationAsk = (
  _kernel: Kernel,
  _caller: Environment,
  _request: AskRequest,
): Sys<undefined, "BadEnvironment" | "BadResource" | "BadRange" | "Busy" | "BadSlot" | "BadCapability"> =>
  ERRORS.BadResource;

/** What `backingSet` is asked for. */
export interface BackingRequest {
  readonly extent: unknown;
  readonly block: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

/** Names blocks for frames that are taken by force. */
export const backingSet = (
  _kernel: Kernel,
  _caller: Environment,
  _request: BackingRequest,
): Sys<undefined, "BadExtent" | "BadRange" | "BadSlot" | "BadCapability"> => ERRORS.BadExtent;

/** Adds frames to the set that is never repossessed, or takes them out. */
export const framesGuarantee = (
  _kernel: Kernel,
  _caller: Environment,
  _first: unknown,
  _count: unknown,
  _isGuaranteed: unknown,
): Sys<undefined, "BadFrame" | "BadRange" | "Full"> => ERRORS.BadFrame;

/** Empties an environment's repossession vector. */
export function repossessionsClear({ revocation }: Environment): undefined {
  revocation.vector.length = 0;
  revocation.lost = 0;
  return undefined;
}

/** Delivers requests, aborts what is overdue, and asks when frames run short; true if there was anything to do. */
export const revoke = (_kernel: Kernel): boolean => false;

/** When the next demand falls due. O(environments). */
export const revocationAt = (_kernel: Kernel): Cycles => NEVER;
