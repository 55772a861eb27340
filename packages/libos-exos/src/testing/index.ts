/**
 * What tests of a libOS need: two hosts on a wire that can be bad.
 *
 * @packageDocumentation
 */
export * from "./two-hosts.ts";
