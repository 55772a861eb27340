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
export * from "./dma.ts";
export * from "./frame-buffer.ts";
export * from "./machine.ts";
export * from "./memory.ts";
export * from "./nic.ts";
export * from "./processor.ts";
export * from "./random.ts";
export * from "./stream-device.ts";
export * from "./translation-buffer.ts";
export * from "./units.ts";
export { SIMULATED_EPOCH, makeMeter, makeSimulatedClock, type SimulatedClock } from "./simulated/clock.ts";
export { makeSimulatedConsole, type SimulatedConsole } from "./simulated/console.ts";
export { makeSimulatedDisk, type SimulatedDisk, type SimulatedDiskOptions } from "./simulated/disk.ts";
export { makeDmaEngine, type DmaOptions } from "./simulated/dma.ts";
export { makeFrameBuffer, type FrameBufferOptions } from "./simulated/frame-buffer.ts";
export type { LinkCounters } from "./simulated/link.ts";
export * from "./simulated/machine.ts";
export { makePhysicalMemory } from "./simulated/memory.ts";
export { makeSimulatedProcessor } from "./simulated/processor.ts";
export * from "./simulated/profiles.ts";
export * from "./simulated/random.ts";
export * from "./simulated/run.ts";
export {
  makeSimulatedStreamDevice,
  type SimulatedStreamDevice,
  type StreamWorld,
} from "./simulated/stream-device.ts";
export { makeIntervalTimer } from "./simulated/timer.ts";
export * from "./simulated/translation-buffer.ts";
export * from "./simulated/wire.ts";
export { FAULT, makeFaultPlan, type FaultPlan, type FaultRates } from "./middleware/fault-plan.ts";
export { faultyNic } from "./middleware/faulty-nic.ts";
export * from "./middleware/pcap.ts";
export * from "./middleware/trace-hash.ts";
export * from "./middleware/traced-disk.ts";
export * from "./middleware/traced-nic.ts";
