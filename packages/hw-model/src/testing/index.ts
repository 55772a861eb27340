/**
 * What tests on a machine need: hashes, captures and logs of what its devices did.
 *
 * @packageDocumentation
 */
export { contractFrame, nicPeer, sendFrame, type NicPeer } from "./nic-peer.ts";
export {
  SEGMENT_HEADERS,
  seeSegment,
  segmentFrame,
  sendLeaving,
  somePayload,
  type LeftToNic,
  type SeenSegment,
  type SegmentFields,
} from "./segment-frame.ts";
export { makePcapCapture, type PcapCapture } from "../middleware/pcap.ts";
export { makeTraceHash, type TraceHash } from "../middleware/trace-hash.ts";
export { makeDiskLog, type DiskLog, type DiskLogEntry } from "../middleware/traced-disk.ts";
export { runSimulated, type RunLimits, type RunResult, type SimulatedPart } from "../simulated/run.ts";
