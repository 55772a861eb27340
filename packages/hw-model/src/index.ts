/**
 * The machine that Exolith runs on.
 *
 * Interfaces for every device, a simulated machine that is deterministic from
 * one seed, and wrappers that inject faults and record traces. The host
 * machine is at `@exolith/hw-model/host`, the suites that any device must pass
 * at `@exolith/hw-model/contract`.
 *
 * @packageDocumentation
 */
export * from "./clock.ts";
export * from "./console.ts";
export * from "./costs.ts";
export * from "./disk.ts";
export * from "./machine.ts";
export * from "./memory.ts";
export * from "./nic.ts";
export * from "./random.ts";
export * from "./stream-device.ts";
export * from "./units.ts";
