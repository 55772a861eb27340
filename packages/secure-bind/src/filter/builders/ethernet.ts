/** Builders of packet filters for Ethernet frames, with IEEE 802.1Q tags or without. */
import { type Field, type Filter, type FilterTerm, equal, fullMask, skip } from "../term.ts";

/** Where an Ethernet II header has its source address, in bytes from the start of the frame. */
export const ETHERNET_SOURCE = 6;
/** Bytes of an Ethernet II header. */
export const ETHERNET_BYTES = 14;
const ETHERNET_TYPE = 12;

// IEEE 802.1Q-2018 clause 9.6: a tag stands before the Ethernet type, and its identifier is its last 12 bits.
const TAG_CONTROL = 14;
const TAG_BYTES = 4;
const IDENTIFIER_MASK = 0x0fff;

/** The Ethernet type of a customer's tag (IEEE 802.1Q). */
export const VLAN_TAG = 0x8100;

/** Six octets of an Ethernet address, in the order they are sent. */
export type HardwareAddress = readonly number[];

/** A term of `value`, or none when it is absent. */
export const optional = <T>(value: T | undefined, build: (value: T) => FilterTerm): Filter =>
  value === undefined ? [] : [build(value)];

/** All bits of a field. */
export const whole = (at: number, width: 1 | 2 | 4): Field => ({ at, width, mask: fullMask(width) });

/** A hardware address takes two terms: four octets, then two. */
export function hardwareAddressAt(at: number, octets: HardwareAddress): Filter {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = octets;
  return [equal(at, 4, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0), equal(at + 4, 2, (e << 8) | f)];
}

/** Frames whose Ethernet type is `type`. */
export const etherType = (type: number): Filter => [equal(ETHERNET_TYPE, 2, type)];

/** The first byte of a frame that `term` may look at, counted from its base. */
function firstByteOf(term: Exclude<FilterTerm, { kind: "skip" }>): number {
  if (term.kind !== "fragments") return term.at;
  return Math.min(term.later.at, term.more.at, ...term.key.map(({ at }) => at));
}

/**
 * What `filter` accepts, with one tag of the VLAN `id` before it, or of `"any"` VLAN.
 *
 * Comparisons of Ethernet addresses stay where they are, and everything else
 * moves by the four bytes of the tag; priority and drop eligibility are not
 * looked at. Works for every filter, and for one that is in a VLAN already.
 * `tag` is the Ethernet type of the tag, such as 0x88a8 for a provider's.
 * **Holds** fields behind a `shift` are taken to be behind the tag.
 * **Fails** throws `RangeError` for a term that the tag would tear apart: a
 * field across it, or an Ethernet address that moves the base or comes after one that did.
 */
export function inVlan(id: number | "any", filter: Filter, tag: number = VLAN_TAG): Filter {
  const before: FilterTerm[] = [];
  const behind: FilterTerm[] = [];
  let base = 0;
  let mayHoist = true;
  for (const term of filter) {
    if (term.kind === "skip") base += term.bytes;
    else if (base + firstByteOf(term) < ETHERNET_TYPE) {
      const isAddress = term.kind === "equal" && base + term.at + term.width <= ETHERNET_TYPE;
      if (!isAddress || !mayHoist) throw new RangeError("the filter looks across the VLAN tag");
      before.push({ ...term, at: base + term.at });
      continue;
    } else if (term.kind === "shift") base = Number.POSITIVE_INFINITY;
    else if (term.kind === "fragments") mayHoist = false;
    behind.push(term);
  }
  const control = id === "any" ? [] : [equal(TAG_CONTROL, 2, id, IDENTIFIER_MASK)];
  return [...before, ...etherType(tag), ...control, skip(TAG_BYTES), ...behind];
}
