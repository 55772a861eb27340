/**
 * What of the host machine needs no Node.js: for browsers, and for programs that bring their own devices.
 *
 * @packageDocumentation
 */
export * from "./clock.ts";
export * from "./engine-machine.ts";
export * from "./meter.ts";
export * from "./processor.ts";
export * from "./run.ts";
export * from "./waker.ts";
