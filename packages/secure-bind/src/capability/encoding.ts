/** The eight bytes of a capability (HotOS'97 figure 2). */
import { type Capability, RIGHTS, type Rights, isRights } from "./capability.ts";
import { includesRights } from "./dominance.ts";
import { NAME_BYTES, isName } from "./name.ts";

/** Bytes of an encoded capability: one of properties, and the name, padded with zeros. */
export const CAPABILITY_BYTES = 8;

// Byte 0, from the top: valid, pointer, three bits of rights, three bits of length.
const VALID = 0x80;
const POINTER = 0x40;
const RIGHTS_SHIFT = 3;
const LENGTH_MASK = 0x07;

/**
 * The eight bytes of `capability`.
 *
 * **Fails** throws `RangeError` when its name or its rights do not fit.
 */
export function encodeCapability(capability: Capability): Uint8Array {
  const { name, rights } = capability;
  if (!isName(name) || !isRights(rights)) throw new RangeError("malformed capability");
  const bytes = new Uint8Array(CAPABILITY_BYTES);
  bytes[0] = VALID | (rights << RIGHTS_SHIFT) | name.length;
  bytes.set(name, 1);
  return bytes;
}

/**
 * The capability in `bytes`, or `undefined` unless `encodeCapability` could have made them.
 *
 * Pointer entries (which extend a guard's list) are not capabilities, and
 * bytes past the name must be zero, so that a capability has one encoding.
 */
export function decodeCapability(bytes: Uint8Array): Capability | undefined {
  const [properties = 0, ...rest] = bytes;
  if (rest.length !== NAME_BYTES || (properties & (VALID | POINTER)) !== VALID) return undefined;
  const length = properties & LENGTH_MASK;
  if (rest.some((byte, i) => i >= length && byte !== 0)) return undefined;
  const rights = (properties >> RIGHTS_SHIFT) & RIGHTS.all;
  return Object.freeze({ name: Object.freeze(rest.slice(0, length)), rights });
}

/**
 * Whether `capability` gives `rights` over what the record at `at` in `bytes` guards.
 *
 * The same as `reaches` of the decoded record; one that does not decode lets nobody in.
 * **Cost** O(NAME_BYTES), no allocation.
 */
export function reachesRecord(
  capability: Capability,
  bytes: Uint8Array,
  at: number,
  rights: Rights,
): boolean {
  const properties = bytes[at] ?? 0;
  if ((properties & (VALID | POINTER)) !== VALID) return false;
  const { name } = capability;
  const length = properties & LENGTH_MASK;
  if (name.length > length) return false;
  for (let i = 0; i < NAME_BYTES; i++) {
    const byte = bytes[at + 1 + i];
    if (i < name.length ? byte !== name[i] : i >= length && byte !== 0) return false;
  }
  return includesRights(capability.rights & (properties >> RIGHTS_SHIFT), rights);
}
