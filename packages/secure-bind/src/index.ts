/**
 * Secure bindings: authority checked once, then used at full speed.
 *
 * Capabilities with hierarchical names and the one comparison that protection
 * rests on, and packet filters: a small declarative language that is verified,
 * merged and compiled, with an interpreter that is its specification.
 *
 * @packageDocumentation
 */
export * from "./capability/capability.ts";
export * from "./filter/term.ts";
