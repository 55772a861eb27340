/** Answers to segments that belong to no connection. */
import { ACK, RST } from "../wire/tcp-wire.ts";
import type { TcpCore } from "./core.ts";
import type { Draft } from "./emit.ts";
import { emit } from "./emit.ts";
import type { Segment } from "./segment.ts";
import { has, sequenceLength } from "./segment.ts";
import { advance } from "./sequence.ts";

/** RST for a segment that nobody wants (RFC 9293 section 3.10.7.1); so many a second. */
export function replyReset(core: TcpCore, segment: Segment): void {
  if (has(segment, RST)) return;
  if (!core.resets.take(segment.remoteAddress, core.now)) {
    core.counters.rateLimited += 1;
    return;
  }
  if (has(segment, ACK)) reply(core, segment, segment.acknowledgment, 0, RST);
  else reply(core, segment, 0, advance(segment.sequence, sequenceLength(segment)), RST | ACK);
  core.counters.resetsSent += 1;
}

/** One segment back without text; whatever becomes of it. */
export function reply(
  core: TcpCore,
  segment: Segment,
  sequence: number,
  acknowledgment: number,
  flags: number,
): void {
  draftReply(core, segment, sequence, acknowledgment, flags);
  emit(core);
}

/** Addresses a draft without payload, options and window to where `segment` came from. */
export function draftReply(
  core: TcpCore,
  segment: Segment,
  sequence: number,
  acknowledgment: number,
  flags: number,
): Draft {
  const { draft } = core;
  draft.localAddress = segment.localAddress;
  draft.remoteAddress = segment.remoteAddress;
  draft.localPort = segment.localPort;
  draft.remotePort = segment.remotePort;
  draft.sequence = sequence;
  draft.acknowledgment = acknowledgment;
  draft.flags = flags;
  draft.window = 0;
  draft.optionBytes = 0;
  draft.payloadSum = 0;
  draft.segmentBytes = 0;
  core.output.payload.clear();
  return draft;
}
