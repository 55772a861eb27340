/** Cost profiles: what primitives cost on three machines. Every figure names its source. */
import type { CostProfile } from "../costs.ts";

/**
 * The DECstation 5000/125 of SOSP'95: R3000, 25 MHz, about one instruction a cycle (Table 1: 25 MIPS).
 *
 * Only primitives: the round trips, pipes and faults of the paper's tables are results, not inputs.
 */
export const DEC5000_125: CostProfile = {
  name: "dec5000-125",
  hertz: 25_000_000,
  cycles: {
    gateCall: 40,
    gateStack: 17.5,
    transfer: 35,
    seal: 2000,
    upcall: 37.5,
    environmentSwitch: 20,
    copyByte: 0.5,
    checksumByte: 1,
    touchByte: 0.25,
    classify: 37.5,
    deviceAccess: 25,
    capabilityCheck: 10,
  },
  sources: [
    "hertz: SOSP'95 Table 1",
    "gateCall: SOSP'95 Table 4, Aegis null system call without a stack, 1.6 us",
    "upcall: SOSP'95 Table 5, Aegis exception dispatch, 1.5 us",
    "environmentSwitch: SOSP'95 text on Table 6, 20 instructions to set status, coprocessor and address tag",
    "copyByte: derived, a load and a store for each 4-byte word",
    "checksumByte: derived, a load, an add, a carry and its add for each 4-byte word",
    "touchByte: derived, one store for each 4-byte word",
    "classify: SOSP'95 Table 7, DPF with ten filters, 1.5 us at 25 MHz",
    "deviceAccess: estimate, one uncached access over TURBOchannel, 1 us",
    "capabilityCheck: estimate, 10 instructions: load, mask and compare of 8 bytes",
  ],
};

/** The 200 MHz Pentium Pro of SOSP'97. Few primitives of it were published; estimates say so. */
export const PENTIUM_PRO_200: CostProfile = {
  name: "pentium-pro-200",
  hertz: 200_000_000,
  cycles: {
    gateCall: 100,
    gateStack: 50,
    transfer: 120,
    seal: 2000,
    upcall: 150,
    environmentSwitch: 100,
    copyByte: 2.5,
    checksumByte: 0.5,
    touchByte: 1.25,
    classify: 120,
    deviceAccess: 100,
    capabilityCheck: 10,
  },
  sources: [
    "hertz: SOSP'97 section 5, 200 MHz Pentium Pro",
    "gateCall: estimate, a trap gate and its return, half of it each way",
    "upcall: estimate, a fault frame pushed and a return to user mode",
    "environmentSwitch: estimate, a write to CR3 and the translation misses after it",
    "copyByte: estimate, 80 MB/s between memory and memory",
    "checksumByte: estimate, half a cycle a byte from the second-level cache",
    "touchByte: estimate, 160 MB/s to memory",
    "classify: estimate, 60 instructions of compiled filter with two cache misses",
    "deviceAccess: estimate, one uncached access over PCI, 0.5 us",
    "capabilityCheck: estimate, 10 instructions: load, mask and compare of 8 bytes",
  ],
};

/** A machine of today at 3 GHz whose gate is a call in JavaScript; the default. */
export const MODERN_3GHZ: CostProfile = {
  name: "modern-3ghz",
  hertz: 3_000_000_000,
  cycles: {
    gateCall: 18,
    gateStack: 20,
    transfer: 60,
    seal: 3000,
    upcall: 15,
    environmentSwitch: 60,
    copyByte: 0.25,
    checksumByte: 0.75,
    touchByte: 0.125,
    classify: 60,
    deviceAccess: 300,
    capabilityCheck: 12,
  },
  sources: [
    "hertz: by definition",
    "gateCall: measured, a polymorphic call through a frozen object in V8, 6 ns",
    "upcall: measured, a numeric call into one of eight handlers in V8, 5 ns",
    "environmentSwitch: estimate, 20 ns: two calls and the reload of a table's base",
    "copyByte: measured, TypedArray.set of 1460 bytes in V8, about 0.08 ns a byte",
    "checksumByte: measured, 32-bit words summed through a DataView in V8, about 0.25 ns a byte",
    "touchByte: measured, TypedArray.fill of 1460 bytes in V8, about 0.04 ns a byte",
    "classify: estimate, 20 ns: one compiled decision over a cached header",
    "deviceAccess: estimate, one posted write over PCI Express, 100 ns",
    "capabilityCheck: estimate, 4 ns: prefix and subset compared in V8",
  ],
};

/** The profiles by name. */
export const PROFILES: readonly CostProfile[] = [DEC5000_125, PENTIUM_PRO_200, MODERN_3GHZ];

/** The profile called `name`; a `RangeError` names those there are. */
export function costProfile(name: string): CostProfile {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`no cost profile ${name}; there are ${PROFILES.map((one) => one.name).join(", ")}`);
}
