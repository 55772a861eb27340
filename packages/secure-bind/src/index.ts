/**
 * Secure bindings: authority checked once, then used at full speed.
 *
 * Capabilities with hierarchical names and the one comparison that protection
 * rests on, packet filters, and wakeup predicates: small declarative languages
 * that are verified and compiled, each with an interpreter that is its
 * specification.
 *
 * @packageDocumentation
 */
export * from "./capability/name.ts";
export * from "./capability/capability.ts";
export * from "./capability/dominance.ts";
export * from "./capability/encoding.ts";
export * from "./capability/token.ts";
export * from "./verified.ts";
export * from "./refusal.ts";
export * from "./filter/term.ts";
export * from "./filter/builders.ts";
export * from "./filter/verify.ts";
export * from "./filter/interpret.ts";
export * from "./filter/compile.ts";
export * from "./filter/demultiplexer.ts";
export * from "./filter/print.ts";
export * from "./predicate/term.ts";
export * from "./predicate/verify.ts";
export { interpretPredicate } from "./predicate/interpret.ts";
export * from "./predicate/compile.ts";
export * from "./predicate/advance.ts";
export * from "./predicate/print.ts";
export { compileExpression } from "./expression/expression.ts";
export { ExpressionError } from "./expression/expression-error.ts";
export { EXPRESSION_FILTERS } from "./expression/parse.ts";
export { EXPRESSION_CHARACTERS } from "./expression/words.ts";
