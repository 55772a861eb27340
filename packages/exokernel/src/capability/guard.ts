/** Guards: who may use a resource. Immutable, so that many resources share one. */
import {
  CAPABILITY_BYTES,
  RIGHTS,
  reaches,
  reachesRecord,
  type Capability,
  type Rights,
} from "@exolith/secure-bind";
import { FRAME_BYTES } from "../abi/ids.ts";
import { DEVICE_NAMES, GUARD_ENTRIES } from "../abi/limits.ts";
import type { Kernel } from "../kernel.ts";

/** The guard of a resource. */
export interface Guard {
  /** Holds: entry 0 has all rights, so that somebody can always control the resource. */
  readonly entries: readonly (Capability | undefined)[];
  /** Frame with more entries, -1 for none; pinned for as long as the guard is a resource's. */
  readonly list: number;
  /** Records in that frame. */
  readonly records: number;
}

/** The guard that a capability makes: its name, with all rights. */
export const makeGuard = ({ name }: Capability): Guard =>
  Object.freeze({
    entries: Object.freeze([Object.freeze({ name, rights: RIGHTS.all })]),
    list: -1,
    records: 0,
  });

/** True when `held` reaches one of the guard's entries with `rights`. O(entries), no allocation. */
export function admits(kernel: Kernel, held: Capability, guard: Guard, rights: Rights): boolean {
  const { entries } = guard;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry !== undefined && reaches(held, entry, rights)) return true;
  }
  return guard.list >= 0 && isListed(kernel, held, guard, rights);
}

function isListed(kernel: Kernel, held: Capability, guard: Guard, rights: Rights): boolean {
  const { bytes } = kernel.machine.memory;
  const at = guard.list * FRAME_BYTES;
  kernel.machine.meter.charge("capabilityCheck", guard.records);
  for (let i = 0; i < guard.records; i++)
    if (reachesRecord(held, bytes, at + i * CAPABILITY_BYTES, rights)) return true;
  return false;
}

/** `guard` with another entry; the caller has checked that it may be so. */
export function withEntry(guard: Guard, index: number, entry: Capability | undefined): Guard {
  const entries = Array.from({ length: GUARD_ENTRIES }, (_, i) => (i === index ? entry : guard.entries[i]));
  while (entries.length > 1 && entries.at(-1) === undefined) entries.pop();
  return Object.freeze({ ...guard, entries: Object.freeze(entries) });
}

/** `guard` with more entries in a frame, or none when `records` is 0; pins are the caller's business. */
export const withList = (guard: Guard, list: number, records: number): Guard =>
  Object.freeze({ entries: guard.entries, list: records === 0 ? -1 : list, records });

/** The guard of device `index` of a kind: only the root and whoever was granted its name reach it. */
export function deviceGuard(kind: keyof typeof DEVICE_NAMES, index: number): Guard {
  const key = DEVICE_NAMES[kind] * 256 + index;
  const known = deviceGuards.get(key);
  if (known !== undefined) return known;
  const guard = makeGuard({ name: Object.freeze([DEVICE_NAMES[kind], index]), rights: RIGHTS.all });
  deviceGuards.set(key, guard);
  return guard;
}

const deviceGuards = new Map<number, Guard>();
