/**
 * The kernel interface: all that a library operating system may import.
 *
 * @packageDocumentation
 */
export * from "./batch.ts";
export * from "./calls.ts";
export { TRANSFER_STATUS, type Transfer } from "./calls/disk.ts";
export type { HandlerRequest } from "./calls/handler.ts";
export type { DmaCopy, RegionMove } from "./calls/memory.ts";
export type { ProgramImport, ProgramRequest } from "./calls/program.ts";
export * from "./display.ts";
export * from "./errors.ts";
export * from "./gate.ts";
export * from "./ids.ts";
export * from "./limits.ts";
export * from "./predicate.ts";
export * from "./program.ts";
export * from "./resources.ts";
export * from "./program-tables.ts";
export * from "./tables.ts";
export * from "./upcalls.ts";
export * from "./version.ts";
export * from "./window.ts";
export { RIGHTS } from "@exolith/secure-bind";
export type { Capability, Comparison, Filter, FilterTerm, Rights } from "@exolith/secure-bind";
