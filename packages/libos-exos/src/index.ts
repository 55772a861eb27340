/**
 * ExOS: a library operating system.
 *
 * Primitives that an environment links and composes: an event loop, frames in
 * hand, and a network stack from Ethernet to TCP without sockets.
 *
 * @packageDocumentation
 */
export * from "./handlers/handler-code.ts";
export * from "./handlers/install-handler.ts";
export * from "./memory/buffer-slots.ts";
export * from "./memory/frame-pool.ts";
export * from "./memory/random-words.ts";
export * from "./net/address.ts";
export * from "./net/arp-table.ts";
export * from "./net/arp.ts";
export * from "./net/checksum.ts";
export * from "./net/counters.ts";
export * from "./net/filters.ts";
export * from "./net/icmp.ts";
export * from "./net/ipv4.ts";
export * from "./net/link.ts";
export * from "./net/network.ts";
export * from "./net/packet-receiver.ts";
export * from "./net/piece-list.ts";
export * from "./net/ping.ts";
export * from "./net/rate-limit.ts";
export * from "./net/route.ts";
export * from "./net/segment-output.ts";
export * from "./net/stack.ts";
export * from "./net/tcp/application.ts";
export * from "./net/udp.ts";
export * from "./net/wire/arp-wire.ts";
export * from "./net/wire/ethernet-wire.ts";
export * from "./net/wire/icmp-wire.ts";
export * from "./net/wire/ipv4-wire.ts";
export * from "./net/wire/udp-wire.ts";
export * from "./schedule/critical-section.ts";
export * from "./schedule/earliest-deadline.ts";
export * from "./schedule/event-loop.ts";
export * from "./schedule/event-program.ts";
export * from "./schedule/policy.ts";
export * from "./schedule/round-robin.ts";
export * from "./schedule/stride.ts";
export type { CongestionControl, AcknowledgedOutcome } from "./net/tcp/congestion.ts";
export type { Clock as TcpClock } from "./net/tcp/core.ts";
export * from "./net/tcp/endpoint.ts";
export * from "./net/tcp/limits.ts";
export type { MakeHandler } from "./net/tcp/listener.ts";
export { NewReno, type NewRenoOptions } from "./net/tcp/new-reno.ts";
export type { PieceSum } from "./net/tcp/payload-sum.ts";
export * from "./net/tcp/receive-memory.ts";
export type { TcpCounters } from "./net/tcp/tcp-counters.ts";
