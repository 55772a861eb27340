/** Capabilities: hierarchical names with rights, as Xok keeps them (HotOS'97 section 3). */

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

/** Bytes in the longest name. */
export const NAME_BYTES = 7;

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
