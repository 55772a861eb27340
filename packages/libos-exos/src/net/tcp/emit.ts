/** The way out of every segment: header, checksum, and over to IPv4. */
import { finishChecksum, pseudoHeaderSum } from "../checksum.ts";
import type { TcpHeader } from "../wire/tcp-wire.ts";
import {
  ACK,
  RST,
  TCP_HEADER_BYTES,
  TCP_PROTOCOL,
  setTcpChecksum,
  writeTcpHeader,
} from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { writeClock } from "./outgoing-options.ts";
import { advance, distance, earliest, latest } from "./sequence.ts";

/** A segment to be: its payload pieces lie in the output already. Reused. */
export interface Draft extends TcpHeader {
  localAddress: number;
  remoteAddress: number;
  /** Folded sum of the payload. */
  payloadSum: number;
  /** Text of each segment that the interface makes of it; 0 for one that goes as it is. */
  segmentBytes: number;
}

/** A segment that could not leave counts neither as sent nor as lost. */
export type Emitted = "sent" | "full" | "unresolved";

/** An empty draft. */
export const makeDraft = (): Draft => ({
  localAddress: 0,
  remoteAddress: 0,
  localPort: 0,
  remotePort: 0,
  sequence: 0,
  acknowledgment: 0,
  flags: 0,
  window: 0,
  optionBytes: 0,
  payloadSum: 0,
  segmentBytes: 0,
});

/** Sends the draft; options are in the header memory already. Unreachable is as good as lost. O(payload). */
export function emit(core: TcpCore): Emitted {
  const { draft, output, counters } = core;
  const { header, transportAt: at } = output;
  const headerBytes = TCP_HEADER_BYTES + draft.optionBytes;
  writeTcpHeader(header, at, draft);
  if (core.leavesSums) output.payload.offload?.(true, draft.segmentBytes);
  else setTcpChecksum(header, at, checksumOf(core, headerBytes));
  const segments = draft.segmentBytes === 0 ? 1 : Math.ceil(output.payload.length / draft.segmentBytes);
  const result = output.send(draft.localAddress, draft.remoteAddress, TCP_PROTOCOL, headerBytes);
  if (result === "full" || result === "unresolved") {
    counters[result] += 1;
    return result;
  }
  if (result === "unreachable") counters.unreachable += 1;
  counters.segmentsSent += segments;
  core.budget -= segments;
  return "sent";
}

function checksumOf({ draft, output }: TcpCore, headerBytes: number): number {
  const { header, transportAt, payload } = output;
  const bytes = headerBytes + payload.length;
  const pseudo = pseudoHeaderSum(draft.localAddress, draft.remoteAddress, TCP_PROTOCOL, bytes);
  return finishChecksum(header.checksum(transportAt, headerBytes, pseudo + draft.payloadSum));
}

/** Addresses a draft without payload from `block`; it has timestamps if they were agreed on. */
export function draftFrom(core: TcpCore, block: ControlBlock, sequence: number, flags: number): Draft {
  const { draft } = core;
  draft.localAddress = block.localAddress;
  draft.remoteAddress = block.remoteAddress;
  draft.localPort = block.localPort;
  draft.remotePort = block.remotePort;
  draft.sequence = sequence;
  draft.acknowledgment = (flags & ACK) === 0 ? 0 : block.receiveNext;
  draft.flags = flags;
  draft.window = advertisedWindow(core, block);
  draft.optionBytes = writeClock(core, block);
  draft.payloadSum = 0;
  draft.segmentBytes = 0;
  core.output.payload.clear();
  return draft;
}

/** Bytes that the application's memory has room for now, as far as a window field can say. */
export const receiveRoom = (block: ControlBlock): number =>
  Math.min(block.buffer.room, 0xffff * (1 << block.receiveScale));

/**
 * The window field. Moves the edge only by a segment or half the buffer
 * (RFC 9293 section 3.8.6.2.2), and never back; without memory there is no window to speak of.
 */
function advertisedWindow(core: TcpCore, block: ControlBlock): number {
  if (block.isStarving) return 0;
  const room = receiveRoom(block);
  const step = Math.min(core.memory.bytes / 2, block.segmentBytes);
  if (room - distance(block.receiveNext, block.receiveEdge) >= step)
    block.receiveEdge = advance(block.receiveNext, room);
  return Math.min(0xffff, distance(block.receiveNext, block.receiveEdge) >>> block.receiveScale);
}

/**
 * A sequence number that the peer accepts on a segment without text: SND.NXT, but
 * no farther than its window ever reached, which a probe goes beyond.
 */
export const acceptableSequence = (block: ControlBlock): number =>
  earliest(block.sendHighest, latest(block.sendEdge, block.sendUnacknowledged));

/** Sends RST for a connection that is about to go; if it cannot leave, the peer's next segment gets one. */
export function emitReset(core: TcpCore, block: ControlBlock): void {
  draftFrom(core, block, acceptableSequence(block), RST | ACK);
  if (emit(core) === "sent") core.counters.resetsSent += 1;
}
