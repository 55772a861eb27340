/**
 * The UNIX personality: what programs for other systems are linked to.
 *
 * So far: error numbers, the layout of WASI preview 1, and descriptors over the
 * console and the null device. Running programs comes with the processor.
 *
 * @packageDocumentation
 */
export * from "./descriptor/console.ts";
export * from "./descriptor/null.ts";
export * from "./descriptor/open-thing.ts";
export * from "./descriptor/table.ts";
export * from "./errno.ts";
export * from "./wasi/layout.ts";
