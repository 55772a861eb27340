/** The one comparison that protection rests on: name prefix, and rights subset. */
import type { Capability, Rights } from "./capability.ts";
import { isPrefix } from "./name.ts";

/** True when every right of `some` is in `all`. */
export const includesRights = (all: Rights, some: Rights): boolean => (some & ~all) === 0;

/**
 * Whether `a` may stand in for `b`: it names the same or something above, with no fewer rights.
 *
 * Reflexive and transitive. **Cost** O(NAME_BYTES), no allocation.
 */
export const dominates = (a: Capability, b: Capability): boolean =>
  includesRights(a.rights, b.rights) && isPrefix(a.name, b.name);

/**
 * Whether `capability` gives `rights` over what `guard` guards.
 *
 * Both must have the rights: a guard also says what anybody at all may do.
 * **Cost** O(NAME_BYTES), no allocation.
 */
export const reaches = (capability: Capability, guard: Capability, rights: Rights): boolean =>
  includesRights(capability.rights & guard.rights, rights) && isPrefix(capability.name, guard.name);
