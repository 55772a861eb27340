/**
 * Cost profiles: what primitives cost on three machines. Every figure names its source.
 *
 * Fractions are eighths and the like: sums of them are exact, in any order.
 */
import { makeProfile, type CostProfile } from "../costs.ts";

/**
 * The DECstation 5000/125 of SOSP'95: R3000, 25 MHz, about one instruction a cycle (Table 1: 25 MIPS).
 *
 * Only primitives: the calls, round trips, pipes and faults of the paper's tables are results, not inputs.
 */
export const DEC5000_125: CostProfile = makeProfile({
  name: "dec5000-125",
  hertz: 25_000_000,
  primitives: {
    trap: 5,
    instruction: 1,
    rotate: 3,
    word: 1,
    addressSwitch: 0,
    copyByte: 0.5,
    checksumByte: 1,
    touchByte: 0.25,
    deviceAccess: 25,
  },
  sources: [
    "hertz: SOSP'95 Table 1",
    "trap: estimate, the five stages of the R3000's pipeline filled again",
    "instruction: SOSP'95 Table 1, 25 MIPS at 25 MHz",
    "rotate: derived, two shifts and an or: the R3000 has no rotation",
    "word: estimate, a load or a store that hits, as in the best case that the paper measures",
    "addressSwitch: none, the R3000 tags its translations; setting the tag is an instruction",
    "copyByte: derived, a load and a store for each 4-byte word",
    "checksumByte: derived, a load, an add, a carry and its add for each 4-byte word",
    "touchByte: derived, one store for each 4-byte word",
    "deviceAccess: estimate, one uncached access over TURBOchannel, 1 us",
  ],
});

/** The 200 MHz Pentium Pro of SOSP'97. Few primitives of it were published; estimates say so. */
export const PENTIUM_PRO_200: CostProfile = makeProfile({
  name: "pentium-pro-200",
  hertz: 200_000_000,
  primitives: {
    trap: 80,
    instruction: 0.625,
    rotate: 0.625,
    word: 1,
    addressSwitch: 80,
    copyByte: 2.5,
    checksumByte: 0.5,
    touchByte: 1.25,
    deviceAccess: 100,
  },
  sources: [
    "hertz: SOSP'97 section 5, 200 MHz Pentium Pro",
    "trap: estimate, a trap gate with its change of stacks and a return from it, both microcode",
    "instruction: estimate, eight in five cycles of a processor that can retire three a cycle",
    "rotate: as an instruction",
    "word: estimate, one load or store a cycle from the first-level cache",
    "addressSwitch: estimate, a write to CR3 and the translation misses after it",
    "copyByte: estimate, 80 MB/s between memory and memory",
    "checksumByte: estimate, half a cycle a byte from the second-level cache",
    "touchByte: estimate, 160 MB/s to memory",
    "deviceAccess: estimate, one uncached access over PCI, 0.5 us",
  ],
});

/** A machine of today at 3 GHz whose gate is a call in JavaScript; the default. */
export const MODERN_3GHZ: CostProfile = makeProfile({
  name: "modern-3ghz",
  hertz: 3_000_000_000,
  primitives: {
    trap: 6,
    instruction: 0.375,
    rotate: 0.375,
    word: 0.625,
    addressSwitch: 45,
    copyByte: 0.25,
    checksumByte: 0.75,
    touchByte: 0.125,
    deviceAccess: 300,
  },
  sources: [
    "hertz: by definition",
    "trap: measured, a polymorphic call through a frozen object in V8 and its return, 2 ns",
    "instruction: estimate, eight in three cycles in optimised JavaScript",
    "rotate: as an instruction",
    "word: estimate, a load or a store with its check of bounds or kind",
    "addressSwitch: estimate, 15 ns: the reload of a table's base and the misses after it",
    "copyByte: measured, TypedArray.set of 1460 bytes in V8, about 0.08 ns a byte",
    "checksumByte: measured, 32-bit words summed through a DataView in V8, about 0.25 ns a byte",
    "touchByte: measured, TypedArray.fill of 1460 bytes in V8, about 0.04 ns a byte",
    "deviceAccess: estimate, one posted write over PCI Express, 100 ns",
  ],
});

/** The profiles by name. */
export const PROFILES: readonly CostProfile[] = [DEC5000_125, PENTIUM_PRO_200, MODERN_3GHZ];

/** The profile called `name`; a `RangeError` names those there are. */
export function costProfile(name: string): CostProfile {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`no cost profile ${name}; there are ${PROFILES.map((one) => one.name).join(", ")}`);
}
