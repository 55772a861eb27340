/**
 * The UNIX personality: what programs for other systems are linked to.
 *
 * WASI preview 1 over descriptors, streams and file systems, and the error numbers
 * that the kernel's refusals become.
 *
 * @packageDocumentation
 */
export * from "./descriptor/console.ts";
export * from "./descriptor/descriptor.ts";
export * from "./descriptor/null.ts";
export * from "./descriptor/pipe.ts";
export * from "./descriptor/stream.ts";
export * from "./descriptor/table.ts";
export * from "./errno.ts";
export * from "./filesystem/file-system.ts";
export * from "./filesystem/memory-file-system.ts";
export { NAME_BYTES, PATH_BYTES } from "./filesystem/name.ts";
export {
  COMPONENTS_WALKED,
  LINKS_FOLLOWED,
  type LastName,
  type Resolved,
  decodePath,
  resolvePath,
} from "./filesystem/resolve.ts";
export * from "./filesystem/tree.ts";
export * from "./memory/backing-store.ts";
export * from "./memory/disk-store.ts";
export * from "./memory/page-frames.ts";
export * from "./memory/page-policy.ts";
export * from "./memory/pager.ts";
export * from "./memory/program-memory.ts";
export * from "./memory/segment-memory.ts";
export { programClocks } from "./program/program-clocks.ts";
export * from "./program/program-image.ts";
export * from "./program/program-limits.ts";
export * from "./program/program-outcome.ts";
export * from "./program/unix-program.ts";
export { CALLS, type CallRow, type WasiCall, type WasiSignature } from "./wasi/calls.ts";
export type { Clock, ClockReading, Clocks } from "./wasi/clock.ts";
export type { WasiLedger, WasiLimits, WasiOptions } from "./wasi/context.ts";
export * from "./wasi/layout.ts";
export * from "./wasi/stop.ts";
export { traceCalls } from "./wasi/trace-calls.ts";
export * from "./wasi/waiting.ts";
export { type Wasi, type WasiFunctions, callCounts, makeWasi, makeWasiLedger } from "./wasi/wasi.ts";
