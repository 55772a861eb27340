/** An environment's key ring: numbered slots, kept by the kernel. */
import type { Capability } from "@exolith/secure-bind";
import { CAPABILITY_SLOTS } from "../abi/limits.ts";
import { isIndex } from "../check.ts";

/** Capabilities by slot. */
export type CapabilityList = (Capability | undefined)[];

/** An empty list. */
export const makeCapabilityList = (): CapabilityList =>
  new Array<Capability | undefined>(CAPABILITY_SLOTS).fill(undefined);

/** The capability in `slot`, or `undefined` for an empty slot or a value that names none. */
export const capabilityAt = (list: CapabilityList, slot: unknown): Capability | undefined =>
  isIndex(slot, CAPABILITY_SLOTS) ? list[slot] : undefined;

/** Puts `capability` into the first free slot; -1 when there is none. */
export function putCapability(list: CapabilityList, capability: Capability): number {
  const slot = list.indexOf(undefined);
  if (slot >= 0) list[slot] = capability;
  return slot;
}
