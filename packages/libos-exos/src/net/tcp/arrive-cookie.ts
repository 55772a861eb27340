// Heads up! Read RFC 4987 section 3.6 and RFC 9293 section 3.10.7.2 before editing this file.
/** A SYN that finds no room, and the ACK that brings its cookie back. */
import { ACK, SYN, TCP_HEADER_BYTES } from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { emit } from "./emit.ts";
import { acceptSyn } from "./establish.ts";
import { enter, openBlock } from "./lifecycle.ts";
import type { Listener } from "./listener.ts";
import { joinHalfOpen } from "./listener.ts";
import { writeSynOptions } from "./options.ts";
import { HEADERS_BYTES } from "./output.ts";
import { draftReply } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { advance } from "./sequence.ts";
import { readAgreed, writeAgreed } from "./syn-cookie.ts";
import { ticks } from "./ticks.ts";

/** Answers a SYN, and keeps nothing of it. */
export function sendCookie(core: TcpCore, segment: Segment): void {
  const { limits, output, synOptions: options } = core;
  const offered = segment.options;
  const named = offered.maximumSegmentSize === 0 ? limits.defaultSegmentBytes : offered.maximumSegmentSize;
  const cookie = core.cookies.make(segment, segment.sequence, named, core.now);
  const isTimestamping = limits.timestamps && offered.hasTimestamps;
  const draft = draftReply(core, segment, cookie, advance(segment.sequence, 1), SYN | ACK);
  draft.window = Math.min(core.memory.bytes, 0xffff);
  options.maximumSegmentSize = output.mtu(segment.remoteAddress) - HEADERS_BYTES;
  options.windowScale =
    isTimestamping && limits.windowScaling && offered.windowScale >= 0 ? core.receiveScale : -1;
  options.isSelectivePermitted =
    isTimestamping && limits.selectiveAcknowledgments && offered.isSelectivePermitted;
  options.hasTimestamps = isTimestamping;
  if (isTimestamping) {
    const { timestampOffset } = core.chooseInitial(segment, core.now);
    options.timestamp = writeAgreed(ticks(core, timestampOffset), offered);
    options.timestampEcho = offered.timestamp;
  }
  draft.optionBytes = writeSynOptions(output.header, output.transportAt + TCP_HEADER_BYTES, options);
  if (emit(core) === "sent") core.counters.cookiesSent += 1;
}

/**
 * The half-open connection that an ACK with a cookie of ours stands for, as if it had been there since its SYN.
 *
 * `undefined` for any other ACK, and when there is no room even now.
 */
export function openCookie(core: TcpCore, listener: Listener, segment: Segment): ControlBlock | undefined {
  const size = sizeIn(core, segment);
  if (size === 0) return undefined;
  const { timestampOffset } = core.chooseInitial(segment, core.now);
  const block = openBlock(core, segment, { sequence: cookieIn(segment), timestampOffset });
  if (block === undefined) return undefined;
  enter(block, "LISTEN");
  enter(block, "SYN-RECEIVED");
  joinHalfOpen(listener, block);
  begin(core, block, segment, size);
  return block;
}

/**
 * A SYN that came twice: the first got a cookie, and there was room for the second. If it is the cookie that the
 * ACK brings back, `block` goes on as what it stands for; otherwise false.
 */
export function adoptCookie(core: TcpCore, block: ControlBlock, segment: Segment): boolean {
  const size = block.listener === undefined ? 0 : sizeIn(core, segment);
  if (size === 0) return false;
  block.initialSend = cookieIn(segment);
  block.isTiming = false;
  begin(core, block, segment, size);
  return true;
}

const cookieIn = (segment: Segment): number => advance(segment.acknowledgment, -1);

const sizeIn = (core: TcpCore, segment: Segment): number =>
  core.cookies.check(segment, advance(segment.sequence, -1), cookieIn(segment), core.now);

/** What the peer's SYN said, from the cookie and the timestamp; ours has arrived. */
function begin(core: TcpCore, block: ControlBlock, segment: Segment, size: number): void {
  const { sequence, options } = segment;
  options.maximumSegmentSize = size;
  if (options.hasTimestamps) readAgreed(options, options.timestampEcho);
  segment.sequence = advance(sequence, -1);
  acceptSyn(core, block, segment);
  segment.sequence = sequence;
  block.sendNext = segment.acknowledgment;
  block.sendHighest = segment.acknowledgment;
  core.counters.cookiesAccepted += 1;
}
