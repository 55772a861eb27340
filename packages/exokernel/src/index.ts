/**
 * A kernel that protects a machine and manages none of it.
 *
 * `boot` loads it on a machine of `@exolith/hw-model` and returns the gate of
 * the first environment. Library operating systems import only
 * `@exolith/exokernel/abi`; this entry is for boards, which wire a machine to a
 * kernel to a library operating system.
 *
 * @packageDocumentation
 */
export * from "./boot.ts";
export * from "./create-environment.ts";
export * from "./inspection/inspection.ts";
export * from "./panic.ts";
export * from "./inspection/table-text.ts";
export * from "./inspection/trace-text.ts";
export * from "./trace.ts";
