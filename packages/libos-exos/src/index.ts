/**
 * ExOS: a library operating system.
 *
 * Primitives that an environment links and composes: an event loop, frames in
 * hand, and a network stack from Ethernet to TCP without sockets.
 *
 * @packageDocumentation
 */
export * from "./net/segment-output.ts";
export * from "./net/tcp/application.ts";
export * from "./schedule/event-loop.ts";
