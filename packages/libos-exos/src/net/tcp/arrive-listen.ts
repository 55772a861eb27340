// Heads up! Read RFC 9293 section 3.10.7.2 before editing this file.
/** A segment for a listening port. */
import { ACK, RST, SYN } from "../wire/tcp-wire.ts";
import { openCookie, sendCookie } from "./arrive-cookie.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { acceptSyn } from "./establish.ts";
import type { InitialNumbers } from "./initial-sequence.ts";
import { close, enter, openBlock } from "./lifecycle.ts";
import type { Listener } from "./listener.ts";
import { joinHalfOpen } from "./listener.ts";
import { replyReset } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";
import { advance, isAfter } from "./sequence.ts";
import { TIMER } from "./timers.ts";

/** How far past an old connection's numbers its successor begins when the clock has not got there. */
const REOPEN_GAP = 0x1_0000;

/**
 * A SYN makes a half-open connection; SYN,ACK is sent in the next poll. Text on a SYN is left to be sent again.
 *
 * An ACK that brings a cookie back makes one too: it is returned, and the segment is for it.
 */
export function arriveListen(core: TcpCore, listener: Listener, segment: Segment): ControlBlock | undefined {
  if (has(segment, RST)) return undefined;
  if (has(segment, ACK)) {
    const block = has(segment, SYN) ? undefined : openCookie(core, listener, segment);
    if (block === undefined) replyReset(core, segment);
    return block;
  }
  if (has(segment, SYN)) open(core, listener, segment);
  return undefined;
}

/** The same for a connection that was in TIME-WAIT and whose numbers ended at `sendNext` (RFC 1122 section 4.2.2.13). */
export function reopen(core: TcpCore, listener: Listener, segment: Segment, sendNext: number): void {
  core.counters.timeWaitReopened += 1;
  open(core, listener, segment, sendNext);
}

function open(core: TcpCore, listener: Listener, segment: Segment, sendNext?: number): void {
  if (listener.halfOpen >= listener.backlog || core.connections.free === 0) {
    const oldest = displaceable(core, listener);
    if (oldest === undefined) {
      turnAway(core, segment);
      return;
    }
    core.counters.halfOpenDropped += 1;
    close(core, oldest, "timeout");
  }
  const block = openBlock(core, segment, chooseNumbers(core, segment, sendNext));
  if (block !== undefined) begin(core, listener, segment, block);
}

function turnAway(core: TcpCore, segment: Segment): void {
  if (core.limits.synCookies) sendCookie(core, segment);
  else core.counters.synIgnored += 1;
}

function chooseNumbers(core: TcpCore, segment: Segment, sendNext: number | undefined): InitialNumbers {
  const initial = core.chooseInitial(segment, core.now);
  if (sendNext !== undefined && !isAfter(initial.sequence, sendNext))
    initial.sequence = advance(sendNext, REOPEN_GAP);
  return initial;
}

/**
 * The half-open connection that makes room. Only one that an honest peer would have confirmed by now, and only if
 * there is a slot for the newcomer, because a slot is reused only after a poll: otherwise the newcomer gets a
 * cookie, or its next SYN may find room.
 */
function displaceable(core: TcpCore, listener: Listener): ControlBlock | undefined {
  const { oldest } = listener;
  if (oldest === undefined || listener.halfOpen < listener.backlog || core.connections.free === 0)
    return undefined;
  return core.now - oldest.openedAt > core.bounds.initial ? oldest : undefined;
}

function begin(core: TcpCore, listener: Listener, segment: Segment, block: ControlBlock): void {
  enter(block, "LISTEN");
  enter(block, "SYN-RECEIVED");
  joinHalfOpen(listener, block);
  acceptSyn(core, block, segment);
  core.counters.passiveOpens += 1;
  core.timers.arm(block.slot, TIMER.giveUp, core.now + core.durations.halfOpen);
  core.ready.add(block);
}
