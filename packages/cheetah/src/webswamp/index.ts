/**
 * webswamp: a load generator on the primitives that Cheetah is made of.
 *
 * An environment that asks a web server for pages over ExOS's TCP, without
 * sockets, and counts pages, bytes, latencies and failures.
 *
 * @packageDocumentation
 */
export * from "./crc32.ts";
export * from "./histogram.ts";
export * from "./plan.ts";
export * from "./results.ts";
export type { Webswamp } from "./swamp.ts";
export * from "./webswamp-program.ts";
