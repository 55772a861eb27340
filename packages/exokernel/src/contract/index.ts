/**
 * Contract suites: what every kernel keeps, and what every library operating system should.
 *
 * Call a suite at the top of a vitest test; vitest is needed here and nowhere else.
 *
 * @packageDocumentation
 */
export * from "./kernel-contract.ts";
export * from "./libos-contract.ts";
export { makeEchoPeer, type EchoEnds } from "./echo-peer.ts";
export type { KernelHarness } from "./harness.ts";
export type { LibosPeer, LibosSurroundings, LibosUnderTest, StartLibos } from "./libos-board.ts";
export type { Deviation } from "@exolith/hw-model/contract";
