/** Capabilities: hierarchical names with rights, as Xok keeps them (HotOS'97 section 3). */
import { NAME_BYTES, isName } from "./name.ts";

const { freeze } = Object;
const { isArray } = Array;

/** Rights, as bits. To read needs no bit: whoever holds a capability may read. */
export const RIGHTS = {
  none: 0,
  /** Change the contents, the binding or the guard's resource. */
  write: 1,
  /** Allocate resources below the name. */
  allocate: 2,
  /** Duplicate the capability (forge, grant) and modify guards. */
  duplicate: 4,
  all: 7,
} as const;

/** A set of `RIGHTS` bits, 0 to 7. */
export type Rights = number;

/**
 * A capability, or the guard of a resource: a name and rights.
 *
 * Frozen. A value of this type proves nothing by itself: only the one in an
 * environment's capability list, which the kernel keeps, is authority.
 */
export interface Capability {
  /** At most `NAME_BYTES` components, each 0 to 255; the empty name is the root. */
  readonly name: readonly number[];
  readonly rights: Rights;
}

/** True when `value` is a set of rights: an integer, 0 to 7. */
export const isRights = (value: unknown): value is Rights =>
  typeof value === "number" && (value & RIGHTS.all) === value;

/** Copies at most what a name may hold; each property of `value` is read once. */
function copyName(value: unknown): unknown[] | undefined {
  if (!isArray(value)) return undefined;
  const length: unknown = value.length;
  if (typeof length !== "number" || length > NAME_BYTES) return undefined;
  const name: unknown[] = [];
  for (let i = 0; i < length; i++) name[i] = value[i];
  return name;
}

function copyRecord(value: object): Capability | undefined {
  const { name, rights } = value as { readonly name?: unknown; readonly rights?: unknown };
  const copy = copyName(name);
  if (copy === undefined || !isName(copy) || !isRights(rights)) return undefined;
  return freeze({ name: freeze(copy), rights: rights + 0 });
}

/**
 * A frozen copy of an alien value, or `undefined` when it is no capability.
 *
 * **Holds** each property is read exactly once, so what was checked is what is
 * kept. Never throws, not even when a getter does. A getter runs its owner's
 * code: call this before looking at any state of your own.
 */
export function copyCapability(value: unknown): Capability | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return copyRecord(value);
  } catch {
    return undefined;
  }
}

/** True when `value` is well formed; the copy of `copyCapability` is what to keep. */
export const checkCapability = (value: unknown): value is Capability => copyCapability(value) !== undefined;

/**
 * A frozen capability record: `name` (0 to 7 components of 0 to 255) and `rights` (0 to 7).
 *
 * Anybody may make one; see `Capability` for what it does not prove.
 * **Fails** throws `RangeError` when malformed.
 */
export function makeCapability(name: readonly number[], rights: Rights): Capability {
  const capability = copyCapability({ name, rights });
  if (capability === undefined) throw new RangeError("malformed capability");
  return capability;
}
