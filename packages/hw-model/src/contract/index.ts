/**
 * Contract suites: what every device of a kind keeps, simulated or real.
 *
 * Call a suite at the top of a vitest test with a maker of a fresh harness.
 *
 * @packageDocumentation
 */
export * from "./clock.contract.ts";
export * from "./console.contract.ts";
export * from "./disk.contract.ts";
export * from "./dma.contract.ts";
export * from "./frame-buffer.contract.ts";
export * from "./memory.contract.ts";
export * from "./nic.contract.ts";
export * from "./processor.contract.ts";
export { contractFrame, nicPeer, sendFrame, type NicPeer } from "../testing/nic-peer.ts";
export { seeSegment, segmentFrame, sendLeaving, somePayload } from "../testing/segment-frame.ts";
export type { LeftToNic, SeenSegment, SegmentFields } from "../testing/segment-frame.ts";
export * from "./stream.contract.ts";
export type { ContractCase, Deviation, MakeHarness, Settling } from "./suite.ts";
export { contractSuite, eventually, unknownDeviations } from "./suite.ts";
