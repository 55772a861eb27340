/** Sealed capabilities: tokens that authenticate themselves (SOSP'95 section 3.2.1). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { CapSlot } from "../abi/ids.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** What the kernel keeps for sealing. */
export interface SealState {
  /** Secret of this boot, from the machine's random device. */
  readonly key: Uint8Array;
}

/** A fresh key from the machine's random device. */
export const makeSealState = (_random: {
  fill(memory: Uint8Array, at: number, length: number): void;
}): SealState => ({
  key: new Uint8Array(32),
});

/** Writes a token. */
export function capabilitySeal(
  _kernel: Kernel,
  _caller: Environment,
  _slot: unknown,
  _window: unknown,
  _at: unknown,
): Sys<number, "BadSlot" | "BadCapability" | "BadWindow" | "BadRange"> {
  return ERRORS.BadSlot;
}

/** Takes what a token stands for. */
export function capabilityUnseal(
  _kernel: Kernel,
  _caller: Environment,
  _window: unknown,
  _at: unknown,
  _length: unknown,
): Sys<CapSlot, "BadWindow" | "BadRange" | "BadToken" | "BadSlot"> {
  return ERRORS.BadToken;
}

/** Makes tokens void. */
export function capabilityExpire(
  _kernel: Kernel,
  _caller: Environment,
  _slot: unknown,
): Sys<undefined, "BadSlot" | "BadCapability" | "Full"> {
  return ERRORS.BadSlot;
}
