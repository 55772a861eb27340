/**
 * Secure bindings: authority checked once, then used at full speed.
 *
 * Capabilities with hierarchical names and the one comparison that protection
 * rests on, and packet filters: a small declarative language that is verified,
 * merged and compiled, with an interpreter that is its specification.
 *
 * @packageDocumentation
 */
export * from "./capability/name.ts";
export * from "./capability/capability.ts";
export * from "./capability/dominance.ts";
export * from "./capability/encoding.ts";
export * from "./verified.ts";
export * from "./refusal.ts";
export * from "./filter/term.ts";
export * from "./filter/builders.ts";
export * from "./filter/verify.ts";
export * from "./filter/interpret.ts";
export * from "./filter/compile.ts";
export * from "./filter/demultiplexer.ts";
export * from "./filter/print.ts";
