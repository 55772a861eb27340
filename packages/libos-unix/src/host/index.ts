/**
 * What of the UNIX personality needs Node.js: directories of the host.
 *
 * @packageDocumentation
 */
export * from "./directory.ts";
export { HOST_TRANSFER_BYTES } from "./host-file.ts";
export { TIMES_REMEMBERED } from "./host-times.ts";
export { HOST_DEPTH, HOST_DIRECTORIES_OPEN } from "./host-tree.ts";
