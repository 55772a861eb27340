/**
 * The kernel interface: all that a library operating system may import.
 *
 * @packageDocumentation
 */
export * from "./calls.ts";
export * from "./errors.ts";
export * from "./gate.ts";
export * from "./ids.ts";
export * from "./limits.ts";
export * from "./tables.ts";
export * from "./upcalls.ts";
export * from "./version.ts";
export * from "./window.ts";
export type { Capability, Filter, FilterTerm, Rights } from "@exolith/secure-bind";
