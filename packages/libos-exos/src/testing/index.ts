/**
 * What tests of a libOS need: two hosts on a wire that can be bad, and handlers as they were written.
 *
 * @packageDocumentation
 */
export * from "./two-hosts.ts";
export * from "./raw-module.ts";
