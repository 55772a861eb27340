/** An environment's key ring: numbered slots, kept by the kernel. */
import type { Capability } from "@exolith/secure-bind";
import { CAPABILITY_SLOTS, WELL_KNOWN_SLOT } from "../abi/limits.ts";
import { isIndex } from "../check.ts";
import { makeGuard, type Guard } from "./guard.ts";

/** A held capability, with the guard that it makes for what is allocated with it. */
export interface HeldCapability {
  readonly capability: Capability;
  readonly guard: Guard;
}

/** Capabilities by slot. */
export type CapabilityList = (HeldCapability | undefined)[];

/** An empty list. */
export const makeCapabilityList = (): CapabilityList =>
  new Array<HeldCapability | undefined>(CAPABILITY_SLOTS).fill(undefined);

/** What is held in `slot`, or `undefined` for an empty slot or a value that names none. */
const heldAt = (list: CapabilityList, slot: unknown): HeldCapability | undefined =>
  isIndex(slot, CAPABILITY_SLOTS) ? list[slot] : undefined;

/** The capability in `slot`, or `undefined` for an empty slot or a value that names none. */
export const capabilityAt = (list: CapabilityList, slot: unknown): Capability | undefined =>
  heldAt(list, slot)?.capability;

/**
 * The guard for what is allocated with the capability in `slot`; one for as long as it is there.
 *
 * `undefined` also for the well-known capability: everybody has it, so what it
 * guarded would be nobody's to answer for.
 */
export const guardAt = (list: CapabilityList, slot: unknown): Guard | undefined =>
  slot === WELL_KNOWN_SLOT ? undefined : heldAt(list, slot)?.guard;

/** Puts `capability` into `slot`, whatever was there. */
export function setCapability(list: CapabilityList, slot: number, capability: Capability): void {
  list[slot] = { capability, guard: makeGuard(capability) };
}

/** Puts `capability` into the first free slot; -1 when there is none. */
export function putCapability(list: CapabilityList, capability: Capability): number {
  const slot = list.indexOf(undefined);
  if (slot >= 0) setCapability(list, slot, capability);
  return slot;
}
