/** What primitives cost, in cycles. Composite figures are never inputs. */

/** The primitives that TypeScript code is charged for in simulation; the unit is in the comment. */
export const COSTS = [
  /** One kernel call: entry, decoding, exit. */
  "gateCall",
  /** What a call that may go deep pays besides: a stack of its own. */
  "gateStack",
  /** One protected control transfer, one way. */
  "transfer",
  /** One keyed hash of a sealed capability or of a link of it. */
  "seal",
  /** One upcall: save, jump, return. */
  "upcall",
  /** One switch between environments. */
  "environmentSwitch",
  /** One byte copied by the processor. */
  "copyByte",
  /** One byte summed for an Internet checksum. */
  "checksumByte",
  /** One byte filled or compared. */
  "touchByte",
  /** One frame classified by the filters. */
  "classify",
  /** One doorbell, interrupt or completion of a device. */
  "deviceAccess",
  /** One capability compared with a guard. */
  "capabilityCheck",
] as const;

/** The name of a primitive cost. */
export type CostName = (typeof COSTS)[number];

/** Cycles per unit of each primitive, the rate they are counted at, and where the figures come from. */
export interface CostProfile {
  readonly name: string;
  /** Cycles in a second. */
  readonly hertz: number;
  /** Cycles for one unit of each primitive. */
  readonly cycles: Readonly<Record<CostName, number>>;
  /** Where the figures come from, one line each. */
  readonly sources: readonly string[];
}

/** Charges time as it is spent. On a host machine time passes by itself and this does nothing. */
export interface Meter {
  /** Charges `units` of `cost`. O(1), no allocation. */
  charge(cost: CostName, units: number): void;
}
